"""Logistic regression as a ranker."""

from __future__ import annotations

import numpy as np
import pytest

from shelfwise.core.errors import NotEnoughDataError
from shelfwise.ranking.judged import JudgedLists, thin
from shelfwise.ranking.logistic import LogisticConfig, fit_logistic

TRUTH = np.array([1.5, -0.7, 0.0])
NAMES = ("near", "price", "moon")
WEAK = LogisticConfig(l2=0.1)


def judged(n_requests: int, seed: int, n_rows: int = 100) -> JudgedLists:
    """Rows taken with log-odds of `TRUTH` less 4, each by itself."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n_requests * n_rows, 3))
    taken = rng.random(len(x)) < 1 / (1 + np.exp(4 - x @ TRUTH))
    indptr = np.arange(n_requests + 1) * n_rows
    return JudgedLists.of(x.astype(np.float32), NAMES, indptr, taken.astype(np.float32))


def test_the_weights_that_made_the_choices_are_found() -> None:
    assert fit_logistic(judged(1000, 0), WEAK).weights == pytest.approx(TRUTH, abs=0.06)


def test_thinned_rows_that_stand_for_others_give_the_same_weights() -> None:
    """Relevant rows are all kept, so each must count once, however many it was drawn among."""
    lists = judged(2000, 1)
    guide = lists.features[:, 0]
    every = np.ones(len(lists), np.bool_)
    thinned = thin(lists, every, guide, hard=15, others=15, rng=np.random.default_rng(2))
    assert len(thinned.relevance) < len(lists.relevance) / 3
    ranker = fit_logistic(thinned, WEAK)
    assert ranker.weights * ranker.scale == pytest.approx(TRUTH, abs=0.1)


def test_nothing_relevant_is_said_to_be_too_little() -> None:
    lists = judged(5, 3)
    nothing = JudgedLists.of(
        lists.features, NAMES, lists.indptr, np.zeros(len(lists.relevance), np.float32)
    )
    with pytest.raises(NotEnoughDataError, match="reciprocal rank fusion"):
        fit_logistic(nothing, WEAK)
