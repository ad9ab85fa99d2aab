"""Measuring and reporting: the JSON contract, the verdict, the parts of the requests."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from shelfwise.core.dataset import Dataset
from shelfwise.evaluation.intervals import Interval
from shelfwise.evaluation.leaks import assert_no_future
from shelfwise.evaluation.measure import ModelResult, measure
from shelfwise.evaluation.popularity import item_popularity
from shelfwise.evaluation.report import EvaluationReport, summarise
from shelfwise.evaluation.splits import Split, leave_one_out, temporal_at
from shelfwise.evaluation.yardstick import Yardstick

Shop = Callable[..., Dataset]
DAY = 86_400_000


def found_by(split: Split, share: float, seed: int) -> NDArray[np.int32]:
    """Lists of five; `share` of them hold the first relevant item, at a random place."""
    rng = np.random.default_rng(seed)
    top = np.array([rng.permutation(split.train.n_items)[:5] for _ in range(len(split))], np.int32)
    for row in np.flatnonzero(rng.random(len(split)) < share).tolist():
        wanted = split.relevant[row][0]
        top[row] = np.where(top[row] == wanted, -1, top[row])
        top[row, rng.integers(0, 5)] = wanted
    return top


def results(yardstick: Yardstick, **shares: float) -> list[ModelResult]:
    """Models that find the relevant item as often as named."""
    return [
        measure(yardstick, name, found_by(yardstick.split, share, 7), 5, fit_seconds=1.5)
        for name, share in shares.items()
    ]


@pytest.fixture(scope="module")
def yardstick(random_shop: Shop) -> Yardstick:
    """A leave-one-out split of some 200 shoppers."""
    dataset = random_shop(3, n_users=200, n_items=300, n_events=2400)
    return Yardstick.of(leave_one_out(dataset), dataset)


@pytest.fixture(scope="module")
def split(yardstick: Yardstick) -> Split:
    """The split of the yardstick."""
    return yardstick.split


@pytest.fixture(scope="module")
def report(yardstick: Yardstick) -> EvaluationReport:
    """Three models on it: the fusion is far the best."""
    models = results(yardstick, popular=0.05, ease=0.3, fused=0.9)
    return summarise(yardstick, models, fusion="fused", k=5, seed=1, repeat_policy="left out")


def test_the_json_report_keeps_the_contract(report: EvaluationReport, split: Split) -> None:
    said = json.loads(json.dumps(report.to_dict(), allow_nan=False))
    assert {"protocol", "k", "seed", "data", "models", "fusion"} <= set(said)
    assert (said["protocol"], said["k"], said["seed"]) == ("leave-one-out", 5, 1)
    assert {"users", "items", "events", "test_users"} <= set(said["data"])
    assert said["data"]["test_users"] == len(split)
    assert said["data"]["events"] == 2400
    assert said["fusion"] in said["models"]
    for one in said["models"].values():
        assert {"recall@5", "ndcg@5", "mrr@5", "coverage@5", "fit_seconds"} <= set(one)
        low, high = one["ndcg@5_ci95"]
        assert low <= one["ndcg@5"] <= high


def test_the_json_report_says_whether_the_validation_part_was_trained_on(
    report: EvaluationReport,
) -> None:
    said = report.to_dict()
    assert said["trained_on_validation"] is True
    assert said["repeat_policy"] == "left out"
    assert said["target_types"]
    assert said["cut_ms"] is None


def test_models_are_ordered_by_ndcg(report: EvaluationReport) -> None:
    assert [one.name for one in report.models] == ["fused", "ease", "popular"]
    assert report.best_single == "ease"


def test_the_gain_of_the_fusion_is_paired_with_the_best_single_model(
    report: EvaluationReport,
) -> None:
    assert report.gain is not None
    apart = report.model("fused").ndcg.mean - report.model("ease").ndcg.mean
    assert report.gain.mean == pytest.approx(apart)
    assert report.gain.low > 0
    assert report.to_dict()["fusion_gain"]["over"] == "ease"
    assert report.verdict().startswith("fused beats the best single model, ease: NDCG@5 +")


@pytest.mark.parametrize(
    ("fused", "single", "verdict"),
    [
        (0.5, 0.5, "fused is not shown to beat single: NDCG@5 +0.0000"),
        (0.1, 0.9, "fused is worse than single"),
    ],
)
def test_a_fusion_that_does_not_win_is_said_not_to_win(
    yardstick: Yardstick, fused: float, single: float, verdict: str
) -> None:
    models = results(yardstick, fused=fused, single=single)
    told = summarise(yardstick, models, fusion="fused", k=5, seed=1, repeat_policy="allowed")
    assert verdict in told.verdict()


def test_a_fusion_alone_has_nothing_to_beat(yardstick: Yardstick) -> None:
    alone = results(yardstick, fused=0.5)
    told = summarise(yardstick, alone, fusion="fused", k=5, seed=1, repeat_policy="allowed")
    assert told.gain is None
    assert told.to_dict()["fusion_gain"] is None
    assert "stands alone" in told.verdict()


def test_the_fusion_must_be_among_the_models(yardstick: Yardstick) -> None:
    others = results(yardstick, ease=0.5)
    with pytest.raises(ValueError, match="fused"):
        summarise(yardstick, others, fusion="fused", k=5, seed=1, repeat_policy="-")


def test_segments_by_history_add_up_to_everyone(report: EvaluationReport, split: Split) -> None:
    one = report.model("ease")
    parts = one.segments.values()
    assert sum(part.requests for part in parts) == len(split)
    known = [part for part in parts if part.requests]
    assert sum(part.requests * part.recall for part in known) == pytest.approx(
        one.recall * len(split)
    )
    assert one.warm_users.requests + one.cold_users.requests == len(split)


def test_cold_items_count_in_all_figures_but_not_in_those_of_known_items(shop: Shop) -> None:
    rows = [(0, 1, "view", 1), (1, 2, "view", 1)]
    later = [(0, 2, "view", 12), (0, 9, "view", 12), (1, 9, "view", 12), (3, 1, "view", 12)]
    dataset = shop([*rows, *later])
    yardstick = Yardstick.of(temporal_at(dataset, 10 * DAY), dataset)
    top = np.array([[2, 3], [2, 3], [1, 3]], np.int32)
    one = measure(yardstick, "m", top, 2, fit_seconds=0.0)
    assert one.scores.recall.tolist() == [0.5, 0.0, 1.0]
    assert one.by_items["warm"].recall.tolist()[::2] == [1.0, 1.0]
    assert np.isnan(one.by_items["warm"].recall[1])
    report = summarise(yardstick, [one], fusion="m", k=2, seed=1, repeat_policy="allowed")
    row = report.model("m")
    assert (row.recall, row.warm_items.recall, row.warm_items.requests) == (0.5, 1.0, 2)
    assert (row.warm_users.requests, row.cold_users.requests) == (2, 1)
    assert row.cold_users.recall == 1.0
    assert (report.data.cold_users, report.data.cold_items, report.data.cold_share) == (1, 1, 0.5)


def test_figures_that_do_not_exist_are_null_in_json(report: EvaluationReport) -> None:
    cold = report.to_dict()["models"]["ease"]["cold_users"]
    assert cold["requests"] == 0
    assert cold["ndcg@5"] is None
    assert cold["ndcg@5_ci95"] == [None, None]


def test_anonymous_sessions_are_counted_beside_the_shoppers(shop: Shop) -> None:
    rows = [(user, item, "view", item) for user in (0, 1) for item in range(1, 5)]
    dataset = shop(rows, n_users=6, anonymous=[1, 2, 3])
    yardstick = Yardstick.of(leave_one_out(dataset), dataset)
    one = measure(yardstick, "m", np.array([[4]], np.int32), 1, fit_seconds=0.0)
    facts = summarise(yardstick, [one], fusion="m", k=1, seed=1, repeat_policy="-").data
    assert (facts.users, facts.anonymous_sessions, facts.test_users) == (3, 3, 1)
    assert facts.events == 8


def test_the_same_seed_gives_the_same_report(yardstick: Yardstick) -> None:
    models = results(yardstick, ease=0.3, fused=0.5)

    def made(seed: int) -> Interval:
        told = summarise(yardstick, models, fusion="fused", k=5, seed=seed, repeat_policy="-")
        return told.model("ease").ndcg

    assert made(4) == made(4)
    assert made(4) != made(5)


def test_popularity_counts_interest_and_not_impressions(shop: Shop) -> None:
    dataset = shop([(0, 1, "view", 1), (0, 1, "purchase", 2), (0, 2, "impression", 3)], n_items=3)
    assert item_popularity(replace(dataset)).tolist() == [0, 2, 0]


def test_every_pair_of_models_is_told_with_its_corrected_p_value(report: EvaluationReport) -> None:
    told = report.to_dict()["significance"]
    assert told["correction"] == "holm"
    assert len(told["pairs"]) == 3
    best = report.pair("fused", "popular")
    assert best.significant
    assert best.p_holm >= best.p_value
    apart = report.model("fused").ndcg.mean - report.model("popular").ndcg.mean
    assert best.difference == pytest.approx(apart)


def test_item_segments_add_up_to_all_that_was_wanted(report: EvaluationReport) -> None:
    told = report.to_dict()
    facts = told["item_segments"].values()
    assert sum(one["items"] for one in facts) == 300
    assert sum(one["event_share"] for one in facts) == pytest.approx(1)
    assert sum(one["wanted_share"] for one in facts) == pytest.approx(1)
    of_one = told["models"]["ease"]["item_segments"].values()
    assert sum(one["exposure@5"] for one in of_one) == pytest.approx(1)
    assert sum(one["requests"] for one in of_one) == told["data"]["test_users"]


def test_the_checks_against_leaks_are_told(yardstick: Yardstick, random_shop: Shop) -> None:
    checks = assert_no_future(
        yardstick.split, random_shop(3, n_users=200, n_items=300, n_events=2400)
    )
    told = summarise(
        yardstick,
        results(yardstick, fused=0.5),
        fusion="fused",
        k=5,
        seed=1,
        repeat_policy="-",
        leak_checks=checks,
    ).to_dict()["leak_check"]
    assert told["passed"] is True
    assert len(told["checks"]) == 5


def test_promised_probabilities_are_held_against_what_happened(yardstick: Yardstick) -> None:
    top = found_by(yardstick.split, 0.5, 3)
    promised = np.full(top.shape, 0.1)
    one = measure(yardstick, "m", top, 5, fit_seconds=0.0, promised=promised)
    assert one.probability is not None
    shown = int((top >= 0).sum())
    hits = one.scores.gain.sum()
    assert one.probability.base_rate == pytest.approx(hits / shown)
    assert one.probability.expected_calibration_error == pytest.approx(abs(hits / shown - 0.1))
