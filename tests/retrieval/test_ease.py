"""EASE against its closed form."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import sparse
from tests.retrieval.conftest import asked_after

from shelfwise.core.errors import ConfigError
from shelfwise.retrieval.ease import EASE, EASEConfig

RNG = np.random.default_rng(0)
SEEN = (np.random.default_rng(5).random((200, 12)) < 0.3).astype(np.float64)
WEIGHT = 3.0  # of a purchase


def closed_form(seen: NDArray[np.float64], reg: float) -> NDArray[np.float64]:
    """Steck 2019, equation 8, in double precision."""
    inverse = np.linalg.inv(seen.T @ seen + reg * np.eye(seen.shape[1]))
    weights: NDArray[np.float64] = -inverse / np.diag(inverse)
    np.fill_diagonal(weights, 0)
    return weights


def test_scores_are_those_of_the_closed_form() -> None:
    model = EASE.fit(sparse.csr_matrix(SEEN), EASEConfig(reg=20, context_decay=1), RNG)
    expected = WEIGHT * (closed_form(SEEN, 20)[3] + closed_form(SEEN, 20)[7])
    others = [code for code in range(12) if code not in {3, 7}]
    scores = model.scores(asked_after(3, 7))[0]
    np.testing.assert_allclose(scores[others], expected[others], rtol=1e-3, atol=1e-5)


def test_only_popular_items_take_part_in_a_large_catalogue() -> None:
    model = EASE.fit(sparse.csr_matrix(SEEN), EASEConfig(reg=20, max_items=5, context_decay=1), RNG)
    chosen = np.sort(np.argsort(-SEEN.sum(axis=0), kind="stable")[:5])
    scores = model.scores(asked_after(int(chosen[0])))[0]
    assert np.flatnonzero(np.isfinite(scores)).tolist() == chosen[1:].tolist()
    expected = WEIGHT * closed_form(SEEN[:, chosen], 20)[0, 1:]
    np.testing.assert_allclose(scores[chosen[1:]], expected, rtol=1e-3, atol=1e-5)


def test_pruning_keeps_the_largest_weights_in_size() -> None:
    model = EASE.fit(
        sparse.csr_matrix(SEEN), EASEConfig(reg=20, neighbours=4, context_decay=1), RNG
    )
    kept = np.flatnonzero(np.isfinite(model.scores(asked_after(3))[0]))
    largest = np.argsort(-np.abs(closed_form(SEEN, 20)[3]))[:4]
    assert sorted(kept.tolist()) == sorted(largest.tolist())


def test_an_item_of_a_single_shopper_takes_no_part() -> None:
    lonely = SEEN.copy()
    lonely[:, 0] = 0
    lonely[4, 0] = 1
    model = EASE.fit(sparse.csr_matrix(lonely), EASEConfig(), RNG)
    assert np.isneginf(model.scores(asked_after(0))).all()


def test_reasons_count_who_met_both() -> None:
    model = EASE.fit(sparse.csr_matrix(SEEN), EASEConfig(), RNG)
    why = model.explain(asked_after(3), np.array([7], np.int32))[0][0]
    both = float((SEEN[:, 3] * SEEN[:, 7]).sum())
    assert why.facts == {"both": both, "of": float(SEEN[:, 3].sum())}


def test_a_penalty_too_small_for_single_precision_says_what_to_set() -> None:
    twins = sparse.csr_matrix(np.ones((50, 8)))
    with pytest.raises(ConfigError, match=r"ease\.reg"):
        EASE.fit(twins, EASEConfig(reg=1e-9), RNG)
