"""The walks of the graph model against a product of dense matrices."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import sparse
from tests.retrieval.conftest import asked_after

from shelfwise.retrieval.graph import Graph, GraphConfig

RNG = np.random.default_rng(0)
SEEN = (np.random.default_rng(5).random((200, 12)) < 0.3).astype(np.float64)
WEIGHT = 3.0  # of a purchase in a history; 1 on average in what is fitted on
CONFIG = GraphConfig(user_norm=0.6, start_norm=0.8, end_norm=0.25, context_decay=1)


def walks(seen: NDArray[np.float64], config: GraphConfig) -> NDArray[np.float64]:
    """[start, end] the weight of all walks of two steps, each degree to its power."""
    per_user, per_item = seen.sum(axis=1), seen.sum(axis=0)
    over_users = seen.T @ (seen / np.maximum(per_user, 1)[:, None] ** config.user_norm)
    out = over_users / np.outer(per_item**config.start_norm, per_item**config.end_norm)
    np.fill_diagonal(out, 0)
    return np.asarray(out)


def test_a_score_is_the_weight_of_all_walks_from_the_history() -> None:
    scores = Graph.fit(sparse.csr_matrix(SEEN), CONFIG, RNG).scores(asked_after(3, 7))[0]
    expected = WEIGHT * walks(SEEN, CONFIG)[[3, 7]].sum(axis=0)
    np.testing.assert_allclose(scores, expected, rtol=1e-4)


@pytest.mark.parametrize("power", ["user_norm", "start_norm", "end_norm"])
def test_each_power_divides_by_its_own_degree(power: str) -> None:
    config = CONFIG.model_copy(update={power: 0.0})
    scores = Graph.fit(sparse.csr_matrix(SEEN), config, RNG).scores(asked_after(4))[0]
    np.testing.assert_allclose(scores[5:], WEIGHT * walks(SEEN, config)[4, 5:], rtol=1e-4)


def test_the_heaviest_walks_of_each_start_are_kept() -> None:
    config = CONFIG.model_copy(update={"neighbours": 3})
    scores = Graph.fit(sparse.csr_matrix(SEEN), config, RNG).scores(asked_after(6))[0]
    heaviest = np.argsort(-walks(SEEN, CONFIG)[6])[:3]
    assert set(np.flatnonzero(np.isfinite(scores))) == set(heaviest.tolist())


def test_contributions_add_up_to_the_score_and_count_who_met_both() -> None:
    model, asked = Graph.fit(sparse.csr_matrix(SEEN), CONFIG, RNG), asked_after(3, 7)
    (why,) = model.explain(asked, np.array([5], np.int32))
    assert sum(one.amount for one in why) == pytest.approx(model.scores(asked)[0, 5], rel=1e-5)
    by_item = {one.because: one.facts for one in why}
    assert by_item[3] == {"both": float(SEEN[:, 3] @ SEEN[:, 5]), "of": float(SEEN[:, 3].sum())}
