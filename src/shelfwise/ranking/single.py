"""The ranker that trusts one source: what fusion has to beat, else it is served."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_BELOW_ALL = np.float32(-1000.0)
_STRETCH = np.float32(100.0)
"""Keeps the differences of rank fusion above the rounding of scores near a thousand."""


@dataclass(frozen=True)
class SingleSource:
    """The order of one source; rows it has no opinion of follow by reciprocal rank fusion."""

    z: int
    """Column of the source's score, standardised within the request; NaN: no opinion."""
    rrf: int

    def opinions(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """[n_rows] the source's own scores, NaN where it has none: what it can do alone."""
        return features[:, self.z]

    def score(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """[n_rows] scores to serve: never NaN."""
        own = self.opinions(features)
        filled: NDArray[np.float32] = np.where(
            np.isnan(own), _BELOW_ALL + _STRETCH * features[:, self.rrf], own
        )
        return filled
