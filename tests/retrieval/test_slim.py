"""SLIM against its regressions, one item at a time."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import sparse
from tests.retrieval.conftest import asked_after

from shelfwise.core.errors import ConfigError
from shelfwise.retrieval.slim import SLIM, SLIMConfig

RNG = np.random.default_rng(0)
SEEN = (np.random.default_rng(5).random((200, 12)) < 0.3).astype(np.float64)
WEIGHT = 3.0  # of a purchase
PLAIN = SLIMConfig(reg=20, user_norm=0, context_decay=1)


def regressed(seen: NDArray[np.float64], target: int, on: list[int], reg: float) -> float:
    """The sum of the weights of a ridge regression of one column on others."""
    left = seen[:, on].T @ seen[:, on] + reg * np.eye(len(on))
    return float(np.linalg.solve(left, seen[:, on].T @ seen[:, target])[:2].sum())


def test_with_every_item_a_neighbour_a_score_is_that_of_the_whole_regression() -> None:
    scores = SLIM.fit(sparse.csr_matrix(SEEN), PLAIN, RNG).scores(asked_after(3, 7))[0]
    for target in (0, 1, 2, 4, 11):
        on = [3, 7, *(code for code in range(12) if code not in {3, 7, target})]
        assert scores[target] == pytest.approx(WEIGHT * regressed(SEEN, target, on, 20), rel=1e-3)


def test_an_item_is_regressed_on_its_nearest_alone() -> None:
    config = PLAIN.model_copy(update={"neighbours": 2})
    model = SLIM.fit(sparse.csr_matrix(SEEN), config, RNG)
    gram = SEEN.T @ SEEN
    norm = np.sqrt(gram.diagonal())
    alike = gram / (np.outer(norm, norm) + 20 / WEIGHT**2)
    alike[5, 5] = 0
    nearest = np.argsort(-alike[5])[:2].tolist()
    scores = model.scores(asked_after(*nearest))[0]
    assert scores[5] == pytest.approx(WEIGHT * regressed(SEEN, 5, nearest, 20), rel=1e-3)
    others = [code for code in range(12) if code not in {5, *nearest}]
    assert np.isneginf(model.scores(asked_after(*others))[0][5])


def test_a_shopper_of_many_items_counts_less() -> None:
    seen = np.zeros((60, 12))
    seen[:30, [0, 1]] = 1  # thirty shoppers of these two alone
    seen[30:, [0, 2]] = 1  # and thirty of everything else besides
    seen[30:, 3:] = 1
    seen[:10, 11] = 1

    def gap(user_norm: float) -> float:
        config = PLAIN.model_copy(update={"user_norm": user_norm, "neighbours": 1000})
        scores = SLIM.fit(sparse.csr_matrix(seen), config, RNG).scores(asked_after(0))[0]
        return float(scores[1] / scores[2])

    assert gap(0.5) > gap(0.0)


def test_reasons_count_who_met_both() -> None:
    model = SLIM.fit(sparse.csr_matrix(SEEN), SLIMConfig(), RNG)
    why = model.explain(asked_after(3), np.array([7], np.int32))[0][0]
    both = float((SEEN[:, 3] * SEEN[:, 7]).sum())
    assert why.facts == {"both": both, "of": float(SEEN[:, 3].sum())}


def test_a_penalty_too_small_says_what_to_set() -> None:
    twins = sparse.csr_matrix(np.ones((50, 8)))
    with pytest.raises(ConfigError, match=r"slim\.reg"):
        SLIM.fit(twins, SLIMConfig(reg=1e-30), RNG)
