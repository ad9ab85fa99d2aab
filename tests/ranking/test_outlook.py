"""The chance of a click or a purchase."""

from __future__ import annotations

import json

import numpy as np
import pytest
from numpy.typing import NDArray

from shelfwise.core.model import ModelState
from shelfwise.ranking.calibration import CalibrationConfig
from shelfwise.ranking.outlook import OutcomeCurve, Outlook, learn_outcome

CONFIG = CalibrationConfig(places=30)
N_ROWS = 30


def shoppers(
    n: int, seed: int
) -> tuple[NDArray[np.float32], NDArray[np.int64], NDArray[np.bool_], NDArray[np.float64]]:
    """Lists of which a third of the shoppers take one row each, by a softmax of the scores.

    Every list's scores have a level of their own, which says nothing.
    """
    rng = np.random.default_rng(seed)
    scores = rng.normal(0, 1.5, (n, N_ROWS))
    share = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    taken = (share.cumsum(axis=1) > rng.random((n, 1))).argmax(axis=1)
    happened = np.zeros(scores.shape, np.bool_)
    buys = rng.random(n) < 1 / 3
    happened[np.flatnonzero(buys), taken[buys]] = True
    told = scores + rng.normal(0, 50, (n, 1))
    indptr = np.arange(n + 1) * N_ROWS
    return told.ravel().astype(np.float32), indptr, happened.ravel(), (share / 3).ravel()


@pytest.mark.parametrize("n", [300, 6000])  # a stiff and a free curve
def test_chances_are_true_on_requests_not_learnt_from(n: int) -> None:
    scores, indptr, happened, _ = shoppers(n, 1)
    found = learn_outcome(scores, indptr, happened, CONFIG, k=10, days=7.0)
    assert found is not None
    curve, report = found
    fresh, limits, taken, true = shoppers(4000, 2)
    chance = Outlook({"purchase": curve}).chances(fresh, limits)["purchase"]
    assert chance.mean() == pytest.approx(taken.mean(), rel=0.15)
    assert np.abs(chance - true).mean() < 0.3 * true.mean()
    assert report.calibration_error < report.uncalibrated_error / 2
    assert report.promised == pytest.approx(report.rate, rel=0.15)
    assert (report.k, report.days, report.requests) == (10, 7.0, n)


def test_a_higher_score_of_a_request_is_never_less_likely() -> None:
    scores, indptr, happened, _ = shoppers(800, 3)
    for outcome in (happened, np.random.default_rng(0).permutation(happened)):
        curve = OutcomeCurve.fit(scores, indptr, outcome, CONFIG)
        chance = Outlook({"click": curve}).chances(scores, indptr)["click"].reshape(-1, N_ROWS)
        order = np.argsort(scores.reshape(-1, N_ROWS), axis=1)
        assert (np.diff(np.take_along_axis(chance, order, axis=1), axis=1) >= 0).all()


def test_a_request_has_the_same_chances_alone_as_in_a_batch() -> None:
    scores, indptr, happened, _ = shoppers(500, 4)
    outlook = Outlook({"click": OutcomeCurve.fit(scores, indptr, happened, CONFIG)})
    alone = outlook.chances(scores[:N_ROWS], np.array([0, N_ROWS]))["click"]
    np.testing.assert_array_equal(alone, outlook.chances(scores, indptr)["click"][:N_ROWS])


def test_hardly_any_purchase_promises_nothing() -> None:
    scores, indptr, happened, _ = shoppers(30, 5)
    assert learn_outcome(scores, indptr, happened, CONFIG, k=10, days=None) is None
    never = np.zeros_like(happened)
    assert learn_outcome(scores, indptr, never, CONFIG, k=10, days=None) is None
    assert Outlook().chances(scores, indptr) == {}


def test_an_outlook_survives_being_stored_as_json_and_arrays() -> None:
    scores, indptr, happened, _ = shoppers(500, 6)
    found = learn_outcome(scores, indptr, happened, CONFIG, k=10, days=None)
    assert found is not None
    outlook = Outlook({"click": found[0]}, {"click": found[1]})
    state = outlook.state()
    again = Outlook.from_state(ModelState(json.loads(json.dumps(state.settings)), state.arrays))
    assert again.reports == outlook.reports
    np.testing.assert_array_equal(
        again.chances(scores, indptr)["click"], outlook.chances(scores, indptr)["click"]
    )
