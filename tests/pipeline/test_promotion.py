"""A new version answers unless it is surely worse on requests that neither version learnt from."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from shelfwise import Shop
from shelfwise.cli import app
from shelfwise.core.event import Event, Product
from shelfwise.core.ragged import Ragged
from shelfwise.core.requests import Histories
from shelfwise.ingest.demo_shop import DemoConfig, simulate
from shelfwise.pipeline.load import load_live
from shelfwise.pipeline.paired import Paired, Unpaired, _translated, compared
from shelfwise.pipeline.promotion import verdict
from shelfwise.store.bundles import current_version, open_bundle

WINDOW = ("train.validation='temporal'", "train.validation_share=0.2")
GOOD = (
    "train.models=['transition','repeat','popular']",
    "fusion.rankers=['rrf','linear']",
    *WINDOW,
)
BAD = ("train.models=['popular']", "fusion.rankers=['rrf']", *WINDOW)
LEVEL = Paired("v1", 800, 10, 0.1, 0.101, 0.001, (-0.004, 0.006), 0)
WHY = Unpaired("nothing was chosen later")

Trainer = Callable[..., dict[str, Any]]


def worse(low: float, high: float) -> Paired:
    """A comparison whose interval is this."""
    return replace(LEVEL, difference=(low + high) / 2, ci95=(low, high))


@pytest.mark.parametrize(
    ("tried", "promoted"),
    [
        (LEVEL, True),
        (worse(-0.05, -0.003), False),
        (worse(-0.05, -0.001), True),  # within the margin: its models lack the latest data
        (worse(-0.05, 0.01), True),
    ],
)
def test_only_a_version_that_is_surely_worse_is_held_back(tried: Paired, promoted: bool) -> None:
    found = verdict("v1", pinned=False, how="auto", tried=tried, own=(0.01, 0.9))
    assert found.promoted is promoted
    assert "800 requests" in found.says
    assert found.paired == tried


@pytest.mark.parametrize(("new", "promoted"), [(0.09, True), (0.07, False)])
def test_without_common_requests_each_ones_own_figure_decides_and_that_is_said(
    new: float, promoted: bool
) -> None:
    found = verdict("v1", pinned=False, how="auto", tried=WHY, own=(new, 0.1))
    assert found.promoted is promoted
    assert "nothing was chosen later" in found.says
    assert "own held-out requests" in found.says


def test_settings_and_pins_come_before_figures() -> None:
    bad = worse(-0.05, -0.04)
    own = (0.1, 0.1)
    assert verdict("v1", pinned=False, how="always", tried=bad, own=own).promoted
    assert not verdict("v1", pinned=False, how="never", tried=LEVEL, own=own).promoted
    assert not verdict("v1", pinned=True, how="auto", tried=LEVEL, own=own).promoted
    assert verdict(None, pinned=False, how="never", tried=WHY, own=(None, None)).promoted


def test_the_difference_is_taken_request_by_request() -> None:
    relevant = Ragged.of([[one] for one in range(50)])
    wanted = np.arange(50, dtype=np.int32)
    second = np.column_stack([np.full(50, -1), wanted]).astype(np.int32)
    first = np.column_stack([wanted, np.full(50, -1)]).astype(np.int32)
    found = compared(first, second, relevant, against="v1", since_ms=5, seed=0)
    assert found.difference == pytest.approx(1 - 1 / np.log2(3))
    assert found.ci95 == pytest.approx((found.difference, found.difference)), "no request differs"


def test_a_history_is_told_in_the_other_versions_codes_without_what_it_never_heard_of() -> None:
    history = Histories(
        np.array([0, 2, 3]),
        np.array([0, 1, 1], np.int32),
        np.zeros(3, np.int8),
        np.array([1, 2, 3]),
    )
    told = _translated(history, np.array([-1, 7], np.int32))
    assert told.indptr.tolist() == [0, 1, 2]
    assert told.item.tolist() == [7, 7]
    assert told.time_ms.tolist() == [2, 3]


@pytest.fixture(scope="module")
def at(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Trainer]:
    """A shop, and how to train it with what is known at a share of its events."""
    root = tmp_path_factory.mktemp("promotion") / "shop"
    shop = Shop.create(root)
    config = DemoConfig(shoppers=700, products=120, days=120, start=date(2025, 1, 1))
    files = simulate(config, seed=3).write_csv(root.parent / "export")
    shop.ingest(events=files.events, products=files.products)
    times = shop.dataset().events.time_ms

    def train(share: float, *settings: str) -> dict[str, Any]:
        until = None if share == 1 else int(times[int(share * len(times))])
        opened = Shop.open(root, settings)
        published = opened.train(until_ms=until)
        return opened.about(published.version) | {"version": published.version}

    return root, train


@pytest.mark.slow
def test_trainings_are_compared_on_what_came_after_the_version_that_answers(
    at: tuple[Path, Trainer],
) -> None:
    root, train = at
    first = train(0.6, *GOOD)
    later = train(0.85, *GOOD)
    paired = later["promotion"]["paired"]
    assert paired["against"] == first["version"]
    assert paired["since_ms"] > first["last_event_ms"]
    assert later["promotion"]["promoted"]

    bad = train(1, *BAD)
    judged = bad["promotion"]
    assert judged["paired"]["since_ms"] > later["last_event_ms"]
    assert judged["paired"]["ci95"][1] < 0, judged
    assert not judged["promoted"]
    assert current_version(root / "models") == later["version"]

    answer = CliRunner().invoke(
        app, ["models", str(root), "--compare", later["version"], bad["version"], "--json"]
    )
    assert answer.exit_code == 0, answer.output
    told = json.loads(answer.stdout)["paired"]
    assert "why" in told, "the latest version has learnt from everything there is"

    earlier = CliRunner().invoke(
        app, ["models", str(root), "--compare", first["version"], later["version"]]
    )
    assert "requests that neither had learnt from" in " ".join(earlier.stdout.split())


@pytest.mark.slow
def test_the_same_settings_on_hardly_newer_data_are_not_compared(at: tuple[Path, Trainer]) -> None:
    _, train = at
    train(0.98, *GOOD, "train.promote=always")
    again = train(1, *GOOD, "train.promote=auto")
    assert again["promotion"]["paired"] is None
    assert "its settings are the same" in again["promotion"]["says"]


@pytest.mark.slow
def test_a_version_asked_later_knows_new_products_but_no_later_event(
    at: tuple[Path, Trainer],
) -> None:
    root, _ = at
    shop = Shop.open(root)
    viewed = Event(event_type="view", time_ms=1, user_id="someone-new", item_id="brand-new")
    with shop.log() as log:
        log.append([Product(item_id="brand-new", title="Lamp"), viewed]).result()
        live = load_live(open_bundle(root / "models"), log, shop.config, events=False)
    assert live.item_ids[-1] == "brand-new"
    assert live.user("someone-new") is None
