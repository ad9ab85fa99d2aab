"""Synthetic rankings of which the truth is known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray

from shelfwise.core.candidates import Candidates
from shelfwise.ranking import source_columns, source_features


@dataclass(frozen=True)
class World:
    """Requests whose one relevant item is drawn by a known score."""

    candidates: Candidates
    features: NDArray[np.float32]
    names: tuple[str, ...]
    indptr: NDArray[np.int64]
    relevance: NDArray[np.float32]
    columns: dict[str, tuple[int, ...]]


def make_world(
    n_requests: int, trust: dict[str, float], seed: int, n_items: int = 40, noise: float = 1.0
) -> World:
    """Sources that see the truth through noise: the larger its `trust`, the clearer it sees."""
    rng = np.random.default_rng(seed)
    truth = rng.normal(size=(n_requests, n_items))
    chance = 2.0 * truth + noise * rng.gumbel(size=truth.shape)
    sight = [clear * truth + rng.normal(size=truth.shape) for clear in trust.values()]
    score = np.stack(sight, axis=-1).astype(np.float32)
    rank = (-score).argsort(axis=1).argsort(axis=1).astype(np.int32) + 1
    unseen = rank > n_items // 2
    candidates = Candidates(
        tuple(trust),
        np.repeat(np.arange(n_requests, dtype=np.int32), n_items),
        np.tile(np.arange(n_items, dtype=np.int32), n_requests),
        np.where(unseen, np.nan, score).reshape(-1, len(trust)).astype(np.float32),
        np.where(unseen, 0, rank).reshape(-1, len(trust)).astype(np.int32),
        n_requests,
    )
    relevance = np.zeros(truth.shape, np.float32)
    relevance[np.arange(n_requests), chance.argmax(axis=1)] = 1
    names, features = source_features(candidates)
    return World(
        candidates,
        features,
        names,
        candidates.indptr(),
        relevance.ravel(),
        source_columns(names, candidates.sources),
    )


@pytest.fixture(scope="session")
def world() -> World:
    """Two good sources that complement each other, and one that knows nothing."""
    return make_world(900, {"left": 1.0, "right": 1.0, "noise": 0.0}, seed=3)
