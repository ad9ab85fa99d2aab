"""Many lists of different length in two flat arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Ragged:
    """List `i` is `values[indptr[i]:indptr[i + 1]]`.

    >>> r = Ragged.of([[3, 1], [], [2]])
    >>> r[0].tolist(), len(r), r.rows().tolist()
    ([3, 1], 3, [0, 0, 2])
    """

    indptr: NDArray[np.int64]
    values: NDArray[np.int32]

    @classmethod
    def of(cls, lists: Sequence[Sequence[int]]) -> Ragged:
        """The lists, flattened."""
        indptr = np.zeros(len(lists) + 1, np.int64)
        np.cumsum([len(one) for one in lists], out=indptr[1:])
        flat = [value for one in lists for value in one]
        return cls(indptr, np.asarray(flat, dtype=np.int32))

    @classmethod
    def group(cls, row: NDArray[np.int32], values: NDArray[np.int32], n_rows: int) -> Ragged:
        """`values` grouped by `row` (0 … n_rows-1), keeping their order within a row."""
        order = np.argsort(row, kind="stable")
        indptr = np.zeros(n_rows + 1, np.int64)
        np.cumsum(np.bincount(row, minlength=n_rows), out=indptr[1:])
        return cls(indptr, values[order].astype(np.int32, copy=False))

    def __len__(self) -> int:
        return len(self.indptr) - 1

    def __getitem__(self, row: int) -> NDArray[np.int32]:
        return self.values[self.indptr[row] : self.indptr[row + 1]]

    def part(self, start: int, stop: int) -> Ragged:
        """The lists `start` to `stop`; a `stop` beyond the end is the end."""
        indptr = self.indptr[start : min(stop, len(self)) + 1]
        return Ragged(indptr - indptr[0], self.values[indptr[0] : indptr[-1]])

    def take(self, where: NDArray[np.int64]) -> Ragged:
        """The lists at these places, in this order.

        >>> Ragged.of([[3, 1], [], [2]]).take(np.array([2, 1, 0])).values.tolist()
        [2, 3, 1]
        """
        lengths = self.lengths()[where]
        indptr = np.append(0, np.cumsum(lengths)).astype(np.int64)
        at = np.arange(indptr[-1]) + np.repeat(self.indptr[where] - indptr[:-1], lengths)
        return Ragged(indptr, self.values[at])

    def lengths(self) -> NDArray[np.int64]:
        """How long each list is."""
        return np.diff(self.indptr)

    def rows(self) -> NDArray[np.int32]:
        """For each value, the list it is in."""
        return np.repeat(np.arange(len(self), dtype=np.int32), self.lengths())
