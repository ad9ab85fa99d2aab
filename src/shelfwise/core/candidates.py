"""Items that may answer a request, with what every source thinks of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Candidates:
    """One row per (request, item), sorted by request; a column of `score` per source.

    `score[i, s]` is NaN where source `s` has no opinion; `rank[i, s]` counts from 1 among all
    items of the request, and is 0 where the source did not propose the item.
    """

    sources: tuple[str, ...]
    request: NDArray[np.int32]
    item: NDArray[np.int32]
    score: NDArray[np.float32]
    rank: NDArray[np.int32]
    n_requests: int

    def __len__(self) -> int:
        return len(self.item)

    def indptr(self) -> NDArray[np.int64]:
        """[n_requests + 1]: the rows of request `r` are `indptr[r]` to `indptr[r + 1]`."""
        out = np.zeros(self.n_requests + 1, np.int64)
        np.cumsum(np.bincount(self.request, minlength=self.n_requests), out=out[1:])
        return out

    def take(self, where: NDArray[np.bool_] | NDArray[np.int64]) -> Candidates:
        """The rows at `where` (a mask or ascending positions)."""
        return Candidates(
            self.sources,
            self.request[where],
            self.item[where],
            self.score[where],
            self.rank[where],
            self.n_requests,
        )

    def keep(self, mask: NDArray[np.bool_], reason: str) -> tuple[Candidates, Dropped]:
        """The rows where `mask` is true, and those dropped with the reason."""
        gone = ~mask
        return self.take(mask), Dropped(reason, self.request[gone], self.item[gone])


@dataclass(frozen=True)
class Dropped:
    """Candidates that a stage refused, and why."""

    reason: str
    request: NDArray[np.int32]
    item: NDArray[np.int32]
