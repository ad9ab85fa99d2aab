"""The HTML report: whole in itself, and true to the figures."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from html import escape
from html.parser import HTMLParser

import numpy as np
import pytest

from shelfwise.core.dataset import Dataset
from shelfwise.evaluation import charts
from shelfwise.evaluation.calibration import Promise, probability_fit
from shelfwise.evaluation.measure import measure
from shelfwise.evaluation.page import report_page
from shelfwise.evaluation.report import EvaluationReport, summarise
from shelfwise.evaluation.splits import temporal_at
from shelfwise.evaluation.yardstick import Yardstick

DAY = 86_400_000


@pytest.fixture(scope="module")
def report(random_shop: Callable[..., Dataset]) -> EvaluationReport:
    """Three models on a temporal split, one with a name that is no HTML."""
    dataset = random_shop(2)
    split = temporal_at(dataset, 90 * DAY)
    yardstick = Yardstick.of(split, dataset)
    rng = np.random.default_rng(0)
    models = [
        measure(
            yardstick,
            name,
            np.array([rng.permutation(40)[:5] for _ in range(len(split))], np.int32),
            5,
            fit_seconds=0.5,
        )
        for name in ("popular", "a<b", "fused")
    ]
    return summarise(yardstick, models, fusion="fused", k=5, seed=1, repeat_policy="as learnt")


@pytest.fixture(scope="module")
def page(report: EvaluationReport) -> str:
    """The page of it."""
    return report_page(report)


class Balance(HTMLParser):
    """Checks that every tag that opens also closes."""

    void = frozenset({"meta", "br", "path", "stop"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Remembers the tag; none may say anything twice."""
        assert len(dict(attrs)) == len(attrs)
        if tag not in self.void:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """Closes it."""
        if tag not in self.void:
            assert self.open.pop() == tag


def test_the_page_needs_no_network_and_no_script(page: str) -> None:
    links = set(re.findall(r"""https?://[^\s"'<]+""", page))
    assert links <= {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"}
    assert "<script" not in page
    assert "@import" not in page
    assert page.count("<svg") == 6


def test_the_page_is_well_formed(page: str) -> None:
    reader = Balance()
    reader.feed(page)
    reader.close()
    assert reader.open == []


def test_the_page_says_what_the_report_says(report: EvaluationReport, page: str) -> None:
    assert escape(report.verdict()) in page
    assert "cut at 1970-04-01 00:00 UTC" in page
    assert "a&lt;b" in page
    assert "a<b" not in page
    assert "Products the shopper already has: as learnt." in page
    for one in report.models:
        assert f"{one.ndcg.mean:.4f}".removeprefix("0") in page


def test_the_style_sheet_knows_every_colour_of_the_drawings(page: str) -> None:
    style = page[page.index("<style>") : page.index("</style>")]
    drawn = set(re.findall(r'((?:fill|stroke)="#[0-9a-f]+")', page[len(style) :]))
    styled = set(re.findall(r'((?:fill|stroke)="#[0-9a-f]+")', style))
    assert drawn <= styled
    for colour in (charts.INK, charts.FAINT, charts.GRID, charts.SINGLE, charts.FUSED):
        assert f'"{colour}"' in style


def test_promised_chances_are_drawn_and_told(report: EvaluationReport) -> None:
    rng = np.random.default_rng(0)
    chance = rng.random(500)
    fit = probability_fit(chance, rng.random(500) < chance / 2)
    told = replace(report, promises={"click": Promise(50, 0.5, 12.0, 8.0, fit)})
    page = report_page(told)
    assert page.count("<svg") == 7
    assert "within 8 days, tested over 12" in page
    assert f"calibration error {fit.expected_calibration_error:.2%}" in page
    assert f"<td>{fit.bins[-1].promised:.2%}</td><td>{fit.bins[-1].happened:.2%}</td>" in page
    assert told.to_dict()["promises"]["click"]["fit"]["bins"][0]["rows"] == 50
    assert report.to_dict()["promises"] == {}


def test_labels_in_the_scatter_keep_apart() -> None:
    places = charts._label_places([0.10, 0.101, 0.099, 0.02])
    assert places[3] == 0.02
    gaps = np.diff(sorted(places))
    assert gaps.min() >= 0.055 * 0.101 - 1e-12
