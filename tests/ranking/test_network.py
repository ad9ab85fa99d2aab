"""The fusion network."""

from __future__ import annotations

import json

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.ranking.conftest import World

from shelfwise.core import extras
from shelfwise.core.errors import MissingExtraError, NotEnoughDataError
from shelfwise.core.model import ModelState
from shelfwise.ranking import LinearConfig, LinearRanker
from shelfwise.ranking.judged import JudgedLists, thin
from shelfwise.ranking.network import FusionNetwork
from shelfwise.ranking.network_lesson import NetworkConfig

pytest.importorskip("torch")

NAMES = ("user.taste", "pair.due", "item.log_price", "item.title_words", "item.rating", "als.z")
ALONE = NetworkConfig(beside="nothing")


def choices(
    n_requests: int, seed: int, n_rows: int = 20
) -> tuple[NDArray[np.float32], NDArray[np.int64], NDArray[np.float32]]:
    """Shoppers with a taste for dear or for cheap products: a product of two features decides."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n_requests, n_rows, len(NAMES)))
    x[:, :, 0] = x[:, :1, 0]
    utility = 2 * x[:, :, 0] * x[:, :, 2] + 0.5 * x[:, :, 4] + rng.gumbel(size=x.shape[:2])
    relevance = np.zeros(x.shape[:2], np.float32)
    relevance[np.arange(n_requests), utility.argmax(axis=1)] = 1
    features = x.reshape(-1, len(NAMES)) * [1, 2, 10, 0.1, 1, 1] + [0, 5, 100, 3, 0, 0]
    return features.astype(np.float32), np.arange(n_requests + 1) * n_rows, relevance.ravel()


def fitted(config: NetworkConfig = ALONE, n_requests: int = 800, seed: int = 0) -> FusionNetwork:
    """A network of such choices."""
    features, indptr, relevance = choices(n_requests, 1)
    rng = np.random.default_rng(seed)
    return FusionNetwork.fit(features, NAMES, indptr, relevance, config, rng)


@pytest.fixture(scope="module")
def network() -> FusionNetwork:
    """The published network, fitted once."""
    return fitted()


@pytest.fixture(scope="module")
def beside() -> FusionNetwork:
    """A network beside the linear ranker, fitted once."""
    return fitted(NetworkConfig(epochs=3))


def first_places(score: NDArray[np.float32], relevance: NDArray[np.float32]) -> float:
    """Share of the requests whose relevant row is first."""
    best = score.reshape(-1, 20).argmax(axis=1)
    return float(relevance.reshape(-1, 20)[np.arange(len(best)), best].mean())


def test_what_no_sum_of_effects_can_tell_is_learnt(network: FusionNetwork) -> None:
    features, indptr, relevance = choices(800, 1)
    linear = LinearRanker.fit(
        features, NAMES, indptr, relevance, LinearConfig(), np.random.default_rng(0)
    )
    fresh, _, truth = choices(1500, 9)
    assert first_places(linear.score(fresh), truth) < 0.2
    assert first_places(network.score(fresh), truth) > 0.3


def test_every_group_of_features_has_an_input_of_its_own(network: FusionNetwork) -> None:
    layers = network.layers
    groups = np.split(layers.columns, layers.group_indptr[1:-1])
    assert [[NAMES[at] for at in own] for own in groups] == [
        ["user.taste", "pair.due"],
        ["item.log_price", "item.title_words"],
        ["item.rating"],
        ["als.z"],
    ]
    assert layers.embed_bias.shape == (4, 32)
    assert layers.hidden_weights.shape == (128, 100)


def test_a_row_scores_the_same_alone_as_in_a_batch(
    network: FusionNetwork, beside: FusionNetwork
) -> None:
    features, _, _ = choices(100, 3)
    for one in (network, beside):
        alone = np.concatenate([one.score(features[i : i + 1]) for i in range(300)])
        np.testing.assert_array_equal(alone, one.score(features)[:300])


def test_the_layers_are_what_the_published_formula_says(network: FusionNetwork) -> None:
    features, _, _ = choices(10, 4)
    layers = network.layers
    x = np.clip((features[:, layers.columns] - layers.mean) * layers.scale, -5, 5)
    at = layers.group_indptr
    joined = np.concatenate(
        [
            np.maximum(x[:, a:b] @ layers.embed_weights[a:b] + bias, 0)
            for a, b, bias in zip(at[:-1], at[1:], layers.embed_bias, strict=True)
        ],
        axis=1,
    )
    hidden = np.maximum(joined @ layers.hidden_weights + layers.hidden_bias, 0)
    logit = (hidden @ layers.head_weights + layers.head_bias)[:, 0]
    np.testing.assert_allclose(network.score(features), logit, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(network.probabilities(features), 1 / (1 + np.exp(-logit)), rtol=1e-4)


def test_features_are_standardised_by_the_rows_learnt_from_alone() -> None:
    features, indptr, relevance = choices(60, 5)
    lists = JudgedLists.of(features, NAMES, indptr, relevance)
    fit = lists.take(np.arange(60) < 40)
    stop = lists.take(np.arange(60) >= 40)
    config = NetworkConfig(beside="nothing", epochs=1)
    network = FusionNetwork.fit_lists(fit, None, config, np.random.default_rng(0), stop)
    order = network.layers.columns
    np.testing.assert_allclose(network.layers.mean, fit.features.mean(axis=0)[order], rtol=1e-5)
    np.testing.assert_allclose(1 / network.layers.scale, fit.features.std(axis=0)[order], rtol=1e-4)


def test_each_epoch_reports_its_errors_and_the_best_is_kept(network: FusionNetwork) -> None:
    assert 1 <= network.best_epoch <= len(network.epochs) <= 10
    losses = [epoch.held_out_loss for epoch in network.epochs]
    assert losses.index(min(losses)) + 1 == network.best_epoch
    assert losses[-1] < losses[0]
    for epoch in network.epochs:
        assert 0 < epoch.held_out_mse < epoch.held_out_mae < 1
        assert epoch.loss == pytest.approx(20 * epoch.bce, rel=1e-4)


def test_the_reported_errors_are_those_of_the_probabilities_that_are_served() -> None:
    features, indptr, relevance = choices(200, 6)
    lists = JudgedLists.of(features, NAMES, indptr, relevance)
    fit, stop = lists.take(np.arange(200) < 150), lists.take(np.arange(200) >= 150)
    rng = np.random.default_rng(0)
    network = FusionNetwork.fit_lists(fit, None, ALONE, rng, stop)
    epoch = network.epochs[network.best_epoch - 1]
    p = network.probabilities(stop.features).astype(np.float64)
    taken = stop.relevance > 0
    assert epoch.held_out_bce == pytest.approx(-np.log(np.where(taken, p, 1 - p)).mean(), rel=1e-4)
    assert epoch.held_out_mse == pytest.approx(((taken - p) ** 2).mean(), rel=1e-4)
    assert epoch.held_out_mae == pytest.approx(np.abs(taken - p).mean(), rel=1e-4)


def test_training_stops_where_held_out_requests_gain_nothing() -> None:
    features, indptr, relevance = choices(60, 7)
    shuffled = np.random.default_rng(0).permutation(relevance)
    config = NetworkConfig(beside="nothing", epochs=60, learning_rate=0.02, patience=2)
    rng = np.random.default_rng(0)
    network = FusionNetwork.fit(features, NAMES, indptr, shuffled, config, rng)
    assert len(network.epochs) == network.best_epoch + 2 < 60


def test_thinned_candidates_promise_the_share_of_the_whole_lists() -> None:
    features, indptr, relevance = choices(600, 8, n_rows=20)
    lists = JudgedLists.of(features, NAMES, indptr, relevance)
    every = np.ones(600, np.bool_)
    few = thin(lists, every, features[:, 4], hard=3, others=3, rng=np.random.default_rng(2))
    assert len(few.relevance) < 600 * 8
    network = FusionNetwork.fit_lists(few, None, ALONE, np.random.default_rng(0))
    assert network.probabilities(features).mean() == pytest.approx(1 / 20, rel=0.15)


def test_contributions_add_up_to_the_score_against_an_average_row(
    network: FusionNetwork, beside: FusionNetwork
) -> None:
    features, _, _ = choices(40, 10)
    for one in (network, beside):
        average = np.full((1, len(NAMES)), np.nan, np.float32)
        amounts = one.contributions(features)
        gap = one.score(features) - one.score(average)
        np.testing.assert_allclose(amounts.sum(axis=1), gap, rtol=1e-3, atol=1e-4)
        assert not one.contributions(average).any()


def test_a_feature_that_is_not_known_counts_as_the_average(network: FusionNetwork) -> None:
    row = choices(1, 11)[0][:1]
    row[0, 3] = np.nan
    place = network.layers.columns.tolist().index(3)
    filled = row.copy()
    filled[0, 3] = network.layers.mean[place]
    np.testing.assert_allclose(network.score(row), network.score(filled), rtol=1e-5)


def test_one_seed_gives_one_network_and_leaves_others_random_numbers_alone(
    network: FusionNetwork,
) -> None:
    import torch

    torch.manual_seed(5)
    before = torch.random.get_rng_state()
    again = fitted()
    assert torch.equal(torch.random.get_rng_state(), before)
    features, _, _ = choices(50, 12)
    np.testing.assert_array_equal(again.score(features), network.score(features))
    assert again.epochs == network.epochs
    assert not np.array_equal(fitted(seed=1).score(features), network.score(features))


def test_beside_the_linear_ranker_it_starts_from_its_order(beside: FusionNetwork) -> None:
    assert beside.linear is not None
    features, _, _ = choices(50, 13)
    own = beside.layers.logits(features)[:, 0]
    np.testing.assert_allclose(
        beside.score(features), own + beside.linear.score(features), rtol=1e-6
    )
    assert beside.named_weights() == beside.linear.named_weights()


def test_the_listwise_loss_ranks_sources_at_least_as_well_as_the_best_of_them(
    world: World,
) -> None:
    config = NetworkConfig(loss="softmax", epochs=4)
    rng = np.random.default_rng(0)
    training = (world.features, world.names, world.indptr, world.relevance)
    network = FusionNetwork.fit(*training, config, rng)
    first = [
        first_of(values, world)
        for values in (network.score(world.features), *world.candidates.score.T)
    ]
    assert first[0] > max(first[1:])


def first_of(score: NDArray[np.float32], world: World) -> float:
    """Share of the world's requests whose relevant row is first."""
    n = len(world.indptr) - 1
    best = np.nan_to_num(score, nan=-1e9).reshape(n, -1).argmax(axis=1)
    return float(world.relevance.reshape(n, -1)[np.arange(n), best].mean())


def test_it_survives_being_stored_as_json_and_arrays(
    network: FusionNetwork, beside: FusionNetwork
) -> None:
    features, _, _ = choices(30, 14)
    for one in (network, beside):
        state = one.state()
        settings = json.loads(json.dumps(state.settings))
        again = FusionNetwork.from_state(ModelState(settings, state.arrays))
        np.testing.assert_array_equal(again.score(features), one.score(features))
        assert again.epochs == one.epochs
        assert again.best_epoch == one.best_epoch


def test_without_torch_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extras, "installed", lambda _: False)
    with pytest.raises(MissingExtraError, match=r"shelfwise\[deep\]"):
        fitted()


def test_requests_in_which_nothing_was_taken_teach_nothing() -> None:
    features, indptr, relevance = choices(5, 15)
    lists = JudgedLists.of(features, NAMES, indptr, 0 * relevance)
    with pytest.raises(NotEnoughDataError):
        FusionNetwork.fit_lists(lists, None, ALONE, np.random.default_rng(0))
