"""The automatic choice of models, and what it reckons they cost."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations
from types import ModuleType

import numpy as np
import pytest
from pydantic import ValidationError

from shelfwise.core.dataset import Dataset
from shelfwise.core.errors import MissingExtraError
from shelfwise.pipeline import bench, budget
from shelfwise.pipeline.budget import RULES, Plan, plan, planned
from shelfwise.pipeline.costs import COSTS, cost_of
from shelfwise.pipeline.models import ModelsConfig
from shelfwise.pipeline.settings import PipelineConfig
from shelfwise.pipeline.shape import Shape
from shelfwise.retrieval import MODEL_NAMES, ON_REQUEST

MEMORY = 12.0
MARKET = Shape(
    events=50_000_000,
    shoppers=4_000_000,
    products=400_000,
    met=390_000,
    shared=380_000,
    pairs=44_000_000,
    square=900_000_000,
    near=1_000_000_000,
    crowd=350.0,
    longest=900,
    repeats=2_000_000,
    text_bytes=40_000_000,
    described=400_000,
    event_types=3,
)
"""A large shop."""
CORNER = Shape(
    events=5_000,
    shoppers=500,
    products=300,
    met=290,
    shared=280,
    pairs=4_500,
    square=60_000,
    near=70_000,
    crowd=30.0,
    longest=40,
    repeats=200,
    text_bytes=20_000,
    described=300,
    event_types=3,
)
"""A small one."""


def settings(**train: object) -> PipelineConfig:
    return PipelineConfig.model_validate({"train": {"memory_gb": MEMORY, **train}})


def why(found: Plan, name: str) -> str:
    return next(one.reason for one in found.verdicts if one.model == name)


def test_every_model_has_a_rule_and_a_cost() -> None:
    assert set(MODEL_NAMES) <= set(RULES)
    assert set(RULES) == set(COSTS)


def test_a_small_shop_is_trained_with_everything_that_is_not_on_request() -> None:
    assert set(plan(CORNER, settings()).models) == set(MODEL_NAMES) - ON_REQUEST


def test_the_same_shape_and_budget_give_the_same_plan() -> None:
    assert plan(MARKET, settings(minutes=20)) == plan(MARKET, settings(minutes=20))


def test_what_can_add_nothing_is_left_out_and_the_plan_says_why() -> None:
    bare = replace(CORNER, described=0, text_bytes=0, repeats=0)
    found = plan(bare, settings())
    assert {"content", "repeat"}.isdisjoint(found.models)
    assert why(found, "content") == "nothing is written about the products"
    assert why(found, "repeat") == "0 of 4,500 choices came again"


def test_a_shop_whose_shoppers_met_one_product_each_gets_popular_and_content() -> None:
    single = replace(CORNER, shoppers=4_500, square=4_500, near=0, repeats=0, event_types=1)
    assert plan(single, settings()).models == ("popular", "content")


def test_dense_weights_of_a_large_catalogue_are_left_to_slim() -> None:
    found = plan(MARKET, settings(memory_gb=100, minutes=1000))
    assert "ease" not in found.models
    assert "slim" in found.models
    assert "above 5,000" in why(found, "ease")
    assert "ease" in plan(CORNER, settings()).models


def test_named_dense_weights_are_trained_with_a_warning_of_their_size() -> None:
    whole = {
        "models": {"ease": {"max_items": 400_000}},
        "train": {"models": ["ease"], "memory_gb": 40, "minutes": 500},
    }
    found = plan(MARKET, PipelineConfig.model_validate(whole))
    assert found.models == ("ease",)
    assert any("more than train.memory_gb = 40" in notice for notice in found.notices)
    assert 4 * 380_000**2 <= 1e9 * found.needs_gb <= 7 * 380_000**2


@pytest.mark.parametrize("minutes", [2, 5, 10, 20, 40, 80])
def test_the_choice_keeps_within_its_minutes(minutes: float) -> None:
    found = plan(MARKET, settings(minutes=minutes, memory_gb=100))
    assert "popular" in found.models
    assert found.needs_minutes <= minutes or found.models == ("popular",)
    assert bool(found.notices) == (found.needs_minutes > minutes)


@pytest.mark.parametrize("memory_gb", [4, 8, 16, 32])
def test_the_choice_keeps_within_its_memory(memory_gb: float) -> None:
    found = plan(MARKET, settings(minutes=1000, memory_gb=memory_gb))
    assert found.needs_gb <= memory_gb or found.models == ("popular",)


def test_more_time_and_memory_never_mean_fewer_models() -> None:
    counts = [len(plan(MARKET, settings(minutes=m, memory_gb=m)).models) for m in (4, 16, 64, 256)]
    assert counts == sorted(counts)
    assert counts[0] < counts[-1]


def test_named_models_are_trained_whatever_they_cost_with_a_warning() -> None:
    found = plan(MARKET, settings(models=["popular", "als"], minutes=0.1, memory_gb=1))
    assert found.models == ("popular", "als")
    assert not found.automatic
    assert any("train.minutes = 0.1" in notice for notice in found.notices)
    assert any("train.memory_gb = 1" in notice for notice in found.notices)


def test_a_missing_library_is_a_notice_where_the_choice_is_automatic(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(budget, "ON_REQUEST", frozenset())
    monkeypatch.setattr(budget, "installed", lambda _: False)
    found = plan(CORNER, settings())
    assert "sequential" not in found.models
    assert any("pip install 'shelfwise[deep]'" in notice for notice in found.notices)


def test_a_missing_library_is_an_error_where_its_model_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("shelfwise.core.extras.installed", lambda _: False)
    with pytest.raises(MissingExtraError, match="sequential"):
        plan(CORNER, settings(models=["popular", "sequential"]))


def test_a_network_that_reads_histories_needs_histories(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(budget, "ON_REQUEST", frozenset())
    monkeypatch.setattr(budget, "installed", lambda _: True)
    assert "sequential" in plan(CORNER, settings()).models
    short = replace(CORNER, pairs=1_000)
    assert "sequential" not in plan(short, settings()).models


def test_the_shape_counts_what_is_there() -> None:
    user = np.array([0, 0, 0, 1, 1, 2], np.int32)
    item = np.array([0, 1, 0, 1, 2, 1], np.int32)
    shape = Shape.of(Dataset.of_pairs(user, item, n_users=4, n_items=5))
    assert (shape.events, shape.shoppers, shape.products, shape.met) == (6, 3, 5, 3)
    assert (shape.shared, shape.pairs, shape.square, shape.longest) == (1, 5, 4 + 4 + 1, 2)
    assert shape.near == 3 * 2 + 2 * 1
    assert shape.crowd == (1 + 9 + 1) / 5
    assert shape.repeats == 1
    assert (shape.described, shape.text_bytes) == (0, 0)
    assert shape.new_share == pytest.approx(2 / 5)


@pytest.fixture(scope="module")
def scaling() -> ModuleType:
    """The benchmark with the simulated shop."""
    return bench.load(bench.FOLDER / "scaling.py")


@pytest.mark.slow
def test_costs_are_reckoned_in_the_right_order_and_memory_is_not_under_the_truth(
    scaling: ModuleType,
) -> None:
    config, models = PipelineConfig(), ModelsConfig()
    small, data = scaling.simulated(3_000), scaling.simulated(60_000)
    shape = Shape.of(data)
    taken = {}
    for name in planned(data, config)[1].models:
        scaling.fitted(name, small, config)  # compiles
        fit = scaling.fitted(name, data, config)
        reckoned = cost_of(name, shape, models)
        assert fit.peak_bytes <= 2 * reckoned.peak_bytes + 20e6, name
        taken[name] = (reckoned.seconds, fit.cpu_s)
    for one, other in combinations(taken.values(), 2):
        cheap, dear = sorted((one, other))
        if dear[0] > 8 * cheap[0]:
            assert cheap[1] < dear[1]


@pytest.mark.parametrize("models", ["popular", [], ["popular", 3]])
def test_models_are_auto_or_names(models: object) -> None:
    with pytest.raises(ValidationError, match='it is "auto" or a list of at least one name'):
        settings(models=models)
