"""Chances of click, cart and purchase from one network."""

from __future__ import annotations

import json

import numpy as np
import pytest
from numpy.typing import NDArray

from shelfwise.core.errors import BadInputError
from shelfwise.core.model import ModelState
from shelfwise.ranking.funnel import FunnelNetwork
from shelfwise.ranking.network_lesson import NetworkConfig

pytest.importorskip("torch")

NAMES = ("user.recency", "item.log_price", "item.rating", "als.z")
INDPTR = np.arange(0, 12_001, 20)


def visits(seed: int) -> tuple[NDArray[np.float32], dict[str, NDArray[np.bool_]]]:
    """Liking (`als.z`) makes a click; of what was clicked the cheap are bought."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(INDPTR[-1], 4)).astype(np.float32)
    click = rng.random(len(x)) < 1 / (1 + np.exp(2.5 - 1.2 * x[:, 3]))
    purchase = click & (rng.random(len(x)) < 1 / (1 + np.exp(1.0 + 1.5 * x[:, 1])))
    cart = click & (purchase | (rng.random(len(x)) < 0.2))
    return x, {"click": click, "cart": cart, "purchase": purchase}


def fitted(outcomes: dict[str, NDArray[np.bool_]], features: NDArray[np.float32]) -> FunnelNetwork:
    """The network of these visits."""
    rng = np.random.default_rng(0)
    return FunnelNetwork.fit(features, NAMES, INDPTR, outcomes, NetworkConfig(), rng)


@pytest.fixture(scope="module")
def network() -> FunnelNetwork:
    """Fitted on visits with all three steps."""
    features, outcomes = visits(1)
    return fitted(outcomes, features)


def test_every_head_is_calibrated_and_better_than_the_average_on_new_visits(
    network: FunnelNetwork,
) -> None:
    features, outcomes = visits(2)
    quality = network.quality(features, outcomes)
    assert tuple(quality) == ("click", "cart", "purchase")
    for head in quality.values():
        assert head.mean == pytest.approx(head.share, rel=0.15)
        assert head.calibration_error < 0.02
        assert head.bce < 0.95 * head.bce_of_share
        assert head.auc > 0.7
        assert head.mse < head.mae


def test_a_purchase_is_never_likelier_than_the_click_before_it(network: FunnelNetwork) -> None:
    chances = network.probabilities(visits(3)[0])
    assert (chances["purchase"] <= chances["click"]).all()
    assert (chances["cart"] <= chances["click"]).all()


def test_what_matters_for_the_click_and_for_the_purchase_is_told_apart(
    network: FunnelNetwork,
) -> None:
    cheap, dear = np.zeros((2, 1, 4), np.float32)
    cheap[0, 1], dear[0, 1] = -1.5, 1.5
    low, high = network.probabilities(cheap), network.probabilities(dear)
    assert 0.5 < low["click"] / high["click"] < 2
    assert low["purchase"] > 5 * high["purchase"]


def test_a_step_that_hardly_ever_came_true_has_no_head() -> None:
    features, outcomes = visits(1)
    rare = {"click": outcomes["click"], "purchase": np.zeros(len(features), np.bool_)}
    rare["purchase"][:3] = True
    assert fitted(rare, features).heads == ("click",)


def test_a_purchase_without_a_recorded_click_is_a_click_too() -> None:
    features, outcomes = visits(1)
    network = fitted({"purchase": outcomes["purchase"]}, features)
    assert network.heads == ("click", "purchase")
    quality = network.quality(features, {"purchase": outcomes["purchase"]})
    assert quality["click"].positives == quality["purchase"].positives


def test_a_row_has_the_same_chances_alone_as_in_a_batch(network: FunnelNetwork) -> None:
    rows = visits(4)[0][:50]
    together = network.probabilities(rows)
    for i in range(50):
        alone = network.probabilities(rows[i : i + 1])
        assert all(alone[name][0] == together[name][i] for name in network.heads)


def test_it_survives_being_stored_as_json_and_arrays(network: FunnelNetwork) -> None:
    state = network.state()
    again = FunnelNetwork.from_state(
        ModelState(json.loads(json.dumps(state.settings)), state.arrays)
    )
    rows = visits(5)[0]
    for name, chances in network.probabilities(rows).items():
        np.testing.assert_array_equal(again.probabilities(rows)[name], chances)
    assert again.epochs == network.epochs


def test_outcomes_of_no_step_or_of_other_rows_are_refused() -> None:
    features, outcomes = visits(1)
    with pytest.raises(BadInputError, match="click, cart, purchase"):
        fitted({"refund": outcomes["purchase"]}, features)
    with pytest.raises(BadInputError, match="of 12000"):
        fitted({"click": outcomes["click"][:-1]}, features)
    with pytest.raises(BadInputError, match="clicked"):
        fitted({"click": np.zeros(len(features), np.bool_)}, features)
