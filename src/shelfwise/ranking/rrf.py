"""Reciprocal rank fusion: the ranker that needs no training (Cormack et al., SIGIR 2009).

It sees only ranks, so it is immune to scores of any scale, and blind to how sure a source is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shelfwise.ranking.source_features import RRF_K


@dataclass(frozen=True)
class RankFusion:
    """Adds `weight / (60 + rank)` over the sources that propose a row."""

    columns: tuple[int, ...]
    """Column of each source's reciprocal rank in the features."""
    weights: tuple[float, ...]

    @classmethod
    def of(cls, columns: Sequence[int], weights: Sequence[float] | None = None) -> RankFusion:
        """Fusion of the sources with these reciprocal-rank columns; equal weights unless given.

        >>> x = np.array([[1.0, 0.5], [0.5, 0.0]], np.float32)
        >>> [round(float(s), 5) for s in RankFusion.of([0, 1]).score(x)]
        [0.03252, 0.01613]
        """
        return cls(tuple(columns), tuple(weights or (1.0,) * len(columns)))

    def shares(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """[n_rows, n_sources]: what each source adds to the score; 0 where it does not propose."""
        # weight / (60 + 1/x) without dividing by a zero x
        reciprocal = features.take(self.columns, axis=1)
        gains = reciprocal / (np.float32(RRF_K) * reciprocal + np.float32(1.0))
        out: NDArray[np.float32] = gains * np.asarray(self.weights, np.float32)
        return out

    def score(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """[n_rows] fused score; 0 where no source proposes."""
        total: NDArray[np.float32] = self.shares(features).sum(axis=1)
        return total
