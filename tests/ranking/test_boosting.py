"""Boosted trees on top of the linear ranker."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from shelfwise.ranking import BoostedRanker, BoostingConfig, LinearConfig, LinearRanker
from shelfwise.ranking.binning import N_BINS, bin_edges, binned
from shelfwise.ranking.judged import JudgedLists, ndcg
from shelfwise.ranking.trees import Forest, node_values

NAMES = ("plain", "left", "right", "moon")


def crossed(n_requests: int, seed: int, n_rows: int = 30) -> JudgedLists:
    """Shoppers who like rows whose `left` and `right` agree in sign, which no sum can say."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n_requests, n_rows, 4))
    utility = x[..., 0] + 3.0 * (x[..., 1] * x[..., 2] > 0) + rng.gumbel(size=x.shape[:2])
    relevance = np.zeros(utility.shape, np.float32)
    relevance[np.arange(n_requests), utility.argmax(axis=1)] = 1
    features = x.reshape(-1, 4).astype(np.float32)
    features[rng.random(features.shape) < 0.02] = np.nan
    return JudgedLists.of(features, NAMES, np.arange(n_requests + 1) * n_rows, relevance.ravel())


def quality(lists: JudgedLists, scores: NDArray[np.float32]) -> float:
    """Mean NDCG@10."""
    return float(ndcg(scores, lists.indptr, lists.relevance, lists.n_relevant, 10).mean())


def boosted(config: BoostingConfig | None = None) -> BoostedRanker:
    """A ranker fitted on 600 requests."""
    lists = crossed(600, 0)
    return BoostedRanker.fit(
        lists.features,
        NAMES,
        lists.indptr,
        lists.relevance,
        config or BoostingConfig(trees=60, feature_share=1.0),
        np.random.default_rng(0),
    )


@pytest.mark.parametrize("loss", ["softmax", "logistic"])
def test_trees_find_an_interaction_that_the_linear_ranker_cannot(loss: str) -> None:
    config = BoostingConfig.model_validate({"trees": 60, "feature_share": 1.0, "loss": loss})
    ranker, fresh = boosted(config), crossed(400, 1)
    alone = quality(fresh, ranker.linear.score(fresh.features))
    together = quality(fresh, ranker.score(fresh.features))
    assert together > alone + 0.08


def test_growing_stops_when_there_is_nothing_to_find() -> None:
    lists = crossed(300, 2)
    noise = np.random.default_rng(3).permutation(lists.relevance.reshape(300, 30), axis=0)
    shuffled = JudgedLists.of(lists.features, NAMES, lists.indptr, noise.ravel())
    half = np.arange(300) < 200
    fit, stop = shuffled.take(half), shuffled.take(~half)
    linear = LinearRanker.fit_lists(fit, LinearConfig())
    config = BoostingConfig(trees=200, patience=20)
    ranker = BoostedRanker.fit_lists(fit, linear, config, np.random.default_rng(0), stop)
    reached = quality(stop, ranker.score(stop.features))
    assert ranker.n_trees < 180
    assert reached >= quality(stop, linear.score(stop.features))


def test_a_row_scores_the_same_alone_as_in_a_batch() -> None:
    ranker, lists = boosted(), crossed(20, 4)
    x = lists.features
    alone = np.concatenate([ranker.score(x[i : i + 1]) for i in range(len(x))])
    np.testing.assert_array_equal(alone, ranker.score(x))


def test_scores_are_those_of_walking_down_the_trees() -> None:
    rng = np.random.default_rng(5)
    feature = rng.integers(0, 7, (40, 6)).astype(np.int32)
    threshold = rng.normal(size=(40, 6)).astype(np.float32)
    value = rng.normal(size=(40, 127)).astype(np.float32)
    x = rng.normal(size=(300, 7)).astype(np.float32)
    x[rng.random(x.shape) < 0.1] = np.nan
    expected = np.zeros(300, np.float32)
    for t in range(40):
        bits = [(x[:, feature[t, d]] > threshold[t, d]).astype(np.int64) << d for d in range(6)]
        expected += value[t, 63 + np.sum(bits, axis=0)]
    np.testing.assert_array_equal(Forest(feature, threshold, value).score(x), expected)


def test_contributions_add_up_to_the_score_less_the_mean() -> None:
    ranker, lists = boosted(), crossed(20, 6)
    parts = ranker.forest.contributions(lists.features).sum(axis=1)
    base = ranker.forest.value[:, 0].sum()
    np.testing.assert_allclose(parts + base, ranker.forest.score(lists.features), atol=1e-4)


def test_contributions_of_the_interaction_outweigh_those_of_nothing() -> None:
    ranker, lists = boosted(), crossed(50, 7)
    size = np.abs(ranker.forest.contributions(lists.features)).mean(axis=0)
    assert min(size[1], size[2]) > 5 * size[3]


def test_a_node_is_worth_the_mean_of_the_rows_below_it() -> None:
    leaf, cover = np.zeros(64), np.zeros(64)
    leaf[:2], cover[:2] = [1, 5], [3, 1]
    value = node_values(leaf, cover)
    assert value[:3].tolist() == [2.0, 1.0, 5.0]
    assert value[63:65].tolist() == [1.0, 5.0]


def test_two_fits_are_identical_and_so_is_a_stored_one() -> None:
    lists = crossed(20, 8)
    first, second = boosted(), boosted()
    expected = first.score(lists.features)
    np.testing.assert_array_equal(second.score(lists.features), expected)
    again = BoostedRanker.from_state(first.state())
    np.testing.assert_array_equal(again.score(lists.features), expected)
    np.testing.assert_array_equal(
        again.contributions(lists.features), first.contributions(lists.features)
    )


def test_another_seed_grows_other_trees() -> None:
    lists = crossed(100, 9)
    linear = LinearRanker.fit_lists(lists, LinearConfig())
    config = BoostingConfig(trees=5)
    one, two = (
        BoostedRanker.fit_lists(lists, linear, config, np.random.default_rng(seed))
        for seed in (1, 2)
    )
    assert one.n_trees == two.n_trees == 5
    assert (one.score(lists.features) != two.score(lists.features)).any()


def test_a_bin_holds_what_exceeds_one_edge_and_not_the_next() -> None:
    rng = np.random.default_rng(10)
    x = np.column_stack(
        [
            rng.normal(size=5000),
            np.where(rng.random(5000) < 0.9, 0.0, rng.random(5000)),
            rng.integers(0, 3, 5000),
            np.full(5000, np.nan),
        ]
    ).astype(np.float32)
    x[:50] = np.nan
    edges = bin_edges(x, rng)
    bins = binned(x, edges)
    for f, own in enumerate(edges):
        assert len(own) < N_BINS
        np.testing.assert_array_equal(bins[f], (x[:, f, None] > own).sum(axis=1))
    assert (bins[:, :50] == 0).all()
    assert len(edges[1]) > 55, "a common value must not take the edges of the others"
    assert edges[2].tolist() == [-np.inf, 0.0, 1.0]
    assert edges[3].tolist() == [-np.inf]
