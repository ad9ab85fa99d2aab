"""The softmax over the catalogue against its textbook form."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from shelfwise.retrieval.softmax import log_lift, softmax_loss

ROWS, COLUMNS, SIZE = 300, 70, 10
RNG = np.random.default_rng(2)
HIDDEN = RNG.normal(size=(ROWS, SIZE)).astype(np.float32)
ITEMS = RNG.normal(size=(COLUMNS, SIZE)).astype(np.float32)
TARGET = RNG.integers(0, COLUMNS, ROWS)
WEIGHT = RNG.random(ROWS).astype(np.float32)


def probabilities(offset: NDArray[np.float32]) -> NDArray[np.float64]:
    """[rows, columns] with the offset added to all logits but the target's."""
    logits = HIDDEN.astype(np.float64) @ ITEMS.T.astype(np.float64) + offset
    logits[np.arange(ROWS), TARGET] -= offset[TARGET]
    shares = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(shares / shares.sum(axis=1, keepdims=True))


@pytest.mark.parametrize("sampled", [False, True])
def test_loss_and_gradients_are_those_of_the_cross_entropy(sampled: bool) -> None:
    offset = RNG.normal(size=COLUMNS).astype(np.float32) * sampled
    loss, d_hidden, d_items = softmax_loss(
        HIDDEN, ITEMS, TARGET, WEIGHT, offset if sampled else None
    )
    shares = probabilities(offset)
    own = shares[np.arange(ROWS), TARGET]
    assert loss == pytest.approx(float(-(WEIGHT * np.log(own)).sum()), rel=1e-5)
    shares[np.arange(ROWS), TARGET] -= 1
    shares *= WEIGHT[:, None]
    np.testing.assert_allclose(d_hidden, shares @ ITEMS, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(d_items, shares.T @ HIDDEN, rtol=1e-4, atol=2e-5)


def test_a_lift_is_the_log_probability_against_a_draw_at_random() -> None:
    counted = np.ones(COLUMNS, np.float32)
    scored = np.ones(COLUMNS, np.bool_)
    counted[4], counted[9], scored[9] = 0, 0, False
    lift = log_lift(HIDDEN, np.ascontiguousarray(ITEMS.T), counted, scored)
    logits = HIDDEN.astype(np.float64) @ ITEMS.T.astype(np.float64)
    total = (np.exp(logits) * counted).sum(axis=1, keepdims=True)
    expected = logits - np.log(total) + np.log(COLUMNS - 2)
    np.testing.assert_allclose(lift[:, scored], expected[:, scored], rtol=1e-4, atol=1e-5)
    assert np.isneginf(lift[:, 9]).all()
