"""Choosing among the ways to fuse."""

from __future__ import annotations

import json
from dataclasses import replace

import msgspec
import numpy as np
import pytest
from tests.ranking.conftest import World, make_world

from shelfwise.core.errors import BadInputError
from shelfwise.core.model import ModelState
from shelfwise.ranking import (
    BoostedRanker,
    BoostingConfig,
    FusedRanker,
    FusionConfig,
    LinearConfig,
    LinearRanker,
    RankFusion,
    choose_ranker,
    trial,
)
from shelfwise.ranking.blend import Blend
from shelfwise.ranking.choice import choose
from shelfwise.ranking.fused import rank_fusion, single_sources
from shelfwise.ranking.judged import JudgedLists, ndcg
from shelfwise.ranking.logistic import LogisticConfig, fit_logistic
from shelfwise.ranking.network import FusionNetwork
from shelfwise.ranking.network_lesson import NetworkConfig
from shelfwise.ranking.random_forest import RandomForest, RandomForestConfig

SMALL_NETWORK = NetworkConfig(epochs=2, embedding_size=8, hidden=16)
SMALL_TREES = BoostingConfig(trees=15, patience=5)
SMALL_FOREST = RandomForestConfig(trees=5)
CONFIG = FusionConfig(folds=3, boosting=SMALL_TREES, forest=SMALL_FOREST)


def chosen(world: World, config: FusionConfig = CONFIG, seed: int = 0) -> FusedRanker:
    """What is chosen on a world."""
    return choose_ranker(
        world.features,
        world.names,
        world.indptr,
        world.relevance,
        world.columns,
        config,
        np.random.default_rng(seed),
    )


@pytest.fixture(scope="module")
def fused(world: World) -> FusedRanker:
    """The choice on two good sources and a useless one."""
    return chosen(world)


def reached(ranker: FusedRanker, world: World) -> float:
    """Mean NDCG@10."""
    n_relevant = np.ones(len(world.indptr) - 1, np.int64)
    scores = ranker.score(world.features)
    return float(ndcg(scores, world.indptr, world.relevance, n_relevant, 10).mean())


def test_sources_that_complement_each_other_are_fused(fused: FusedRanker) -> None:
    report = fused.report
    assert fused.kind in {"logistic", "linear", "boosted", "blend"}
    assert report.beats_single
    assert report.lift > 0.08
    assert report.difference_ci95[0] > 0
    assert fused.kind in report.says
    assert report.best_single in report.says
    assert report.held_out == 900
    assert report.ndcg[fused.kind] > max(report.ndcg_single.values())
    assert report.ceiling >= max(report.ndcg.values())


def test_the_held_out_estimate_is_not_better_than_what_new_requests_get(
    fused: FusedRanker,
) -> None:
    fresh = make_world(3000, {"left": 1.0, "right": 1.0, "noise": 0.0}, seed=77)
    assert fused.report.ndcg[fused.kind] <= reached(fused, fresh) + 0.015


def test_a_useless_source_is_worth_nothing(fused: FusedRanker, world: World) -> None:
    lost = fused.report.without_source
    assert lost["left"] < -0.03
    assert lost["right"] < -0.03
    assert abs(lost["noise"]) < 0.006
    top = np.lexsort((-fused.score(world.features), world.candidates.request))
    shares = fused.source_shares(world.features)[top[world.indptr[:-1]]].mean(axis=0)
    assert shares[2] < 0.1
    assert shares[:2].min() > 0.35


def test_one_good_source_among_noise_is_served_alone() -> None:
    world = make_world(600, {"noise": 0.0, "good": 1.0, "other": 0.0}, seed=5)
    fused = chosen(world)
    assert fused.kind == "single"
    assert fused.report.chosen == fused.report.best_single == "good"
    assert not fused.report.beats_single
    assert fused.report.difference == 0.0
    assert "No fusion beats good" in fused.report.says
    good = world.features[:, world.names.index("good.z")]
    known = ~np.isnan(good)
    np.testing.assert_array_equal(fused.score(world.features)[known], good[known])
    assert fused.score(world.features)[~known].max() < good[known].min()


def test_few_requests_are_not_given_to_trees() -> None:
    world = make_world(120, {"left": 1.0, "right": 1.0}, seed=6)
    fused = chosen(world)
    assert "boosted" not in fused.report.ndcg
    assert "linear" in fused.report.ndcg


def test_hardly_any_request_means_rank_fusion_and_says_so() -> None:
    world = make_world(10, {"left": 1.0, "right": 1.0}, seed=7)
    fused = chosen(world)
    assert fused.kind == "rrf"
    assert not fused.report.beats_single
    assert "10 requests" in fused.report.says
    expected = world.features[:, world.names.index("sources.rrf")]
    np.testing.assert_allclose(fused.score(world.features), expected, rtol=1e-5)


def test_on_few_requests_a_fusion_must_be_surer() -> None:
    world = make_world(60, {"left": 1.0, "right": 0.0}, seed=7)
    fused = chosen(world, CONFIG.model_copy(update={"min_requests": 61}))
    assert fused.kind == "single"
    assert "95% certainty" in fused.report.says
    enough = chosen(world, CONFIG.model_copy(update={"min_requests": 60, "rankers": ("rrf",)}))
    assert f"{CONFIG.certainty:.0%} certainty" in enough.report.says


def test_no_request_at_all_still_gives_a_ranker() -> None:
    world = make_world(3, {"left": 1.0}, seed=8)
    nothing = replace(
        world,
        features=world.features[:0],
        relevance=world.relevance[:0],
        indptr=np.zeros(3, np.int64),
    )
    assert chosen(nothing).score(world.features).shape == (120,)


def test_relevant_items_that_nobody_proposed_lower_every_figure(world: World) -> None:
    config = CONFIG.model_copy(update={"min_requests": 10_000})
    whole = chosen(world, config).report
    halved = choose_ranker(
        world.features,
        world.names,
        np.concatenate([world.indptr, np.full(900, world.indptr[-1])]),
        world.relevance,
        world.columns,
        config,
        np.random.default_rng(0),
        n_relevant=np.ones(1800, np.int64),
    ).report
    assert halved.requests == 1800
    assert halved.learnable == 900
    assert halved.ceiling == pytest.approx(0.5, abs=1e-3)
    for name, value in whole.ndcg_single.items():
        assert halved.ndcg_single[name] == pytest.approx(value / 2, rel=0.02)


def test_many_requests_are_split_once() -> None:
    world = make_world(1500, {"left": 1.0, "right": 1.0}, seed=9)
    report = chosen(world, CONFIG.model_copy(update={"one_split_from": 1000})).report
    assert 200 < report.held_out < 400
    assert report.beats_single


def test_one_seed_gives_one_ranker(world: World, fused: FusedRanker) -> None:
    again = chosen(world)
    assert again.report == fused.report
    np.testing.assert_array_equal(again.score(world.features), fused.score(world.features))


@pytest.fixture(scope="module")
def every_kind(world: World, fused: FusedRanker) -> list[FusedRanker]:
    """A ranker of each kind, chosen or not."""
    training = (world.features, world.names, world.indptr, world.relevance)
    linear = LinearRanker.fit(*training, LinearConfig(), np.random.default_rng(0))
    boosted = BoostedRanker.fit(*training, SMALL_TREES, np.random.default_rng(0))
    lists = JudgedLists.of(world.features, world.names, world.indptr, world.relevance)
    logistic = fit_logistic(lists, LogisticConfig())
    forest = RandomForest.fit_lists(lists, SMALL_FOREST, np.random.default_rng(0))
    network = FusionNetwork.fit(*training, SMALL_NETWORK, np.random.default_rng(0))
    sources = tuple(world.columns)
    single = single_sources(world.names, sources)["left"]
    return [
        replace(fused, kind="single", ranker=single),
        replace(fused, kind="rrf", ranker=rank_fusion(world.names, sources)),
        replace(fused, kind="linear", ranker=linear),
        replace(fused, kind="logistic", ranker=logistic),
        replace(fused, kind="forest", ranker=forest),
        replace(fused, kind="boosted", ranker=boosted),
        replace(fused, kind="blend", ranker=Blend(boosted, forest)),
        replace(fused, kind="network", ranker=network),
    ]


def test_a_network_is_one_more_alternative_where_torch_is_installed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = make_world(300, {"left": 1.0, "right": 1.0}, seed=6)
    config = FusionConfig(rankers=("linear", "network"), network=SMALL_NETWORK, drop_one="none")
    report = chosen(world, config).report
    assert report.ndcg["network"] > 0.9 * report.ndcg["linear"]
    assert [one.kind for one in report.compared] == ["linear", "network"]
    monkeypatch.setattr(trial, "installed", lambda _: False)
    assert set(chosen(world, config).report.ndcg) == {"linear"}


def test_shares_of_every_kind_add_up_to_one_and_come_from_sources_that_spoke(
    world: World, every_kind: list[FusedRanker]
) -> None:
    scored = ~np.isnan(world.candidates.score)
    some = scored.any(axis=1)
    for ranker in every_kind:
        shares = ranker.source_shares(world.features)
        assert shares.shape == (len(world.features), 3)
        assert (shares >= 0).all()
        np.testing.assert_allclose(shares[some].sum(axis=1), 1, atol=1e-5)
        assert (shares[~scored] == 0).all()


def test_rows_of_every_kind_score_the_same_alone_as_in_a_batch(
    world: World, every_kind: list[FusedRanker]
) -> None:
    rows = world.features[:200]
    for ranker in every_kind:
        alone = np.concatenate([ranker.score(rows[i : i + 1]) for i in range(200)])
        np.testing.assert_array_equal(alone, ranker.score(world.features)[:200])
        assert np.isfinite(alone).all()


def test_every_kind_survives_being_stored_as_json_and_arrays(
    world: World, every_kind: list[FusedRanker]
) -> None:
    for ranker in every_kind:
        state = ranker.state()
        again = FusedRanker.from_state(
            ModelState(json.loads(json.dumps(state.settings)), state.arrays)
        )
        assert again.report == ranker.report
        assert again.source_columns == ranker.source_columns
        np.testing.assert_array_equal(again.score(world.features), ranker.score(world.features))
        np.testing.assert_array_equal(
            again.source_shares(world.features), ranker.source_shares(world.features)
        )


def test_a_stored_rank_fusion_is_plain_data(world: World) -> None:
    fusion = rank_fusion(world.names, tuple(world.columns))
    assert msgspec.convert(msgspec.to_builtins(fusion), RankFusion) == fusion


def test_features_without_those_of_the_sources_are_refused(world: World) -> None:
    with pytest.raises(BadInputError, match=r"sources\.rrf"):
        single_sources(("price",), ("left",))
    with pytest.raises(BadInputError, match="source_columns"):
        chosen(replace(world, columns={"left": (999,)}))


def test_the_report_says_how_the_choice_was_made(fused: FusedRanker, world: World) -> None:
    report = fused.report
    assert [one.kind for one in report.compared] == [
        "rrf",
        "logistic",
        "linear",
        "boosted",
    ]
    taken = [one for one in report.compared if one.taken]
    assert taken[-1].kind == fused.kind
    assert taken[0].certainty >= CONFIG.certainty
    assert all(one.certainty >= 0.5 for one in taken)
    assert all(one.over in {"left", "right", *report.ndcg} for one in report.compared)
    assert sum(report.influence.values()) == pytest.approx(1, abs=1e-4)
    assert report.influence["left"] > report.influence["noise"]
    assert report.correlation["left"]["right"] > 0.2 > abs(report.correlation["left"]["noise"])
    for source, (low, high) in report.without_source_ci95.items():
        assert low <= report.without_source[source] <= high
    assert set(report.fit_seconds) == set(report.ndcg)


def test_trying_one_more_alternative_does_not_change_the_others(
    fused: FusedRanker, world: World
) -> None:
    more = CONFIG.model_copy(update={"rankers": (*CONFIG.rankers, "forest")})
    report = chosen(world, more).report
    assert "forest" in report.ndcg
    assert {kind: report.ndcg[kind] for kind in fused.report.ndcg} == fused.report.ndcg


def test_only_what_is_asked_for_is_tried(world: World) -> None:
    report = chosen(world, CONFIG.model_copy(update={"rankers": ("rrf",)})).report
    assert [one.kind for one in report.compared] == ["rrf"]
    none = chosen(world, CONFIG.model_copy(update={"drop_one": "none"})).report
    assert none.without_source == {}


def test_what_a_source_is_worth_can_be_told_of_trees(world: World) -> None:
    report = chosen(world, CONFIG.model_copy(update={"drop_one": "boosted"})).report
    assert report.without_source_of == "boosted"
    assert report.without_source["left"] < -0.03


def test_rankers_that_have_not_seen_a_request_are_kept_for_measuring(world: World) -> None:
    lists = JudgedLists.of(world.features, world.names, world.indptr, world.relevance)
    choice = choose(lists, world.columns, CONFIG, np.random.default_rng(0))
    held = np.stack([mask for mask, _ in choice.unseen_by])
    assert (held.sum(axis=0) == 1).all()
    for mask, ranker in choice.unseen_by:
        rows = np.repeat(mask, np.diff(world.indptr))
        other = ranker.score(world.features[rows])
        assert not np.array_equal(other, choice.ranker.score(world.features[rows]))
