"""How good ranked lists are: exact metrics per request.

A list is a row of item codes, best first, -1 where it is shorter. Who ranked and how ties were
broken is not known here. An item that a list holds twice counts once, at its first place.

Sums run in the order of the list, so that figures agree with `ranx` to the last digit where the
definitions agree; docs/evaluation.md says where they do not.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

import numpy as np
from numba import njit
from numpy.typing import NDArray

from shelfwise.core.ragged import Ragged


@dataclass(frozen=True)
class Scores:
    """One value per request; NaN where the request has nothing to find."""

    recall: NDArray[np.float64]
    """Share of the relevant items that the list holds."""
    ndcg: NDArray[np.float64]
    """Discounted gain over that of the best list of this length (Järvelin and Kekäläinen 2002)."""
    mrr: NDArray[np.float64]
    """One over the place of the first relevant item; 0 where there is none."""
    hit_rate: NDArray[np.float64]
    """1 where the list holds a relevant item."""
    map: NDArray[np.float64]
    """Precision at each hit, summed, over the hits that a list of this length can have."""
    precision: NDArray[np.float64]
    """Relevant items of the list over its full length k."""
    gain: NDArray[np.float64]
    """Sum of the gains of the relevant items that the list holds."""

    def __len__(self) -> int:
        return len(self.recall)

    def take(self, where: NDArray[np.bool_] | NDArray[np.int64]) -> Scores:
        """The requests at `where` (a mask or positions)."""
        return Scores(**{f.name: getattr(self, f.name)[where] for f in fields(self)})

    def means(self) -> dict[str, float]:
        """The mean of each metric over the requests with something to find; NaN if none has."""
        some = ~np.isnan(self.recall)
        return {
            f.name: float(getattr(self, f.name)[some].mean()) if some.any() else float("nan")
            for f in fields(self)
        }


def score_lists(
    top: NDArray[np.int32],
    relevant: Ragged,
    k: int,
    gain: NDArray[np.float64] | None = None,
) -> Scores:
    """The metrics of the first `k` items of each row of `top` ([n_requests, at least k]).

    `relevant` holds distinct items; `gain`, one a value of it, says what finding each is worth (1
    if not given). NDCG weighs by the gains as they are, not by two to their power; the other
    metrics take every item with a gain above zero as relevant.

    >>> one = score_lists(np.array([[7, 3, 5]], np.int32), Ragged.of([[3, 9]]), 3)
    >>> one.recall.tolist(), one.mrr.tolist(), one.map.tolist()
    ([0.5], [0.5], [0.25])
    """
    if top.ndim != 2 or len(top) != len(relevant) or not 0 < k <= top.shape[1]:
        raise ValueError(f"Lists {top.shape} do not fit {len(relevant)} requests and k={k}.")
    gains = np.ones(len(relevant.values)) if gain is None else np.asarray(gain, np.float64)
    if len(gains) != len(relevant.values) or not (np.isfinite(gains) & (gains >= 0)).all():
        raise ValueError("Gains are one finite number, not below zero, for each relevant item.")
    columns = np.full((len(fields(Scores)), len(top)), np.nan)
    shown = np.ascontiguousarray(top[:, :k], np.int32)
    _score_rows(shown, relevant.indptr, relevant.values, gains, columns)
    return Scores(*columns)


@njit(cache=True, nogil=True)
def _score_rows(
    top: NDArray[np.int32],
    indptr: NDArray[np.int64],
    relevant: NDArray[np.int32],
    gain: NDArray[np.float64],
    out: NDArray[np.float64],
) -> None:
    """Fills the columns of `Scores`, in their order, for requests with something to find."""
    k = top.shape[1]
    found = np.empty(k, np.float64)
    discount = np.empty(k, np.float64)
    for place in range(k):
        discount[place] = math.log2(place + 2.0)
    for r in range(len(top)):
        gains = gain[indptr[r] : indptr[r + 1]]
        wanted = (gains > 0).sum()
        if wanted == 0:
            continue
        _found(top[r], relevant[indptr[r] : indptr[r + 1]], gains, found)
        hits, first, precisions, total, discounted = 0, 0, 0.0, 0.0, 0.0
        for place in range(k):
            discounted += found[place] / discount[place]
            if found[place] > 0:
                hits += 1
                first = first if hits > 1 else place + 1
                precisions += hits / (place + 1)
                total += found[place]
        out[0, r] = hits / wanted
        out[1, r] = discounted / _ideal(gains, discount)
        out[2, r] = 1 / first if hits > 0 else 0.0
        out[3, r] = 1.0 if hits > 0 else 0.0
        out[4, r] = precisions / min(k, wanted)
        out[5, r] = hits / k
        out[6, r] = total


@njit(cache=True, nogil=True)
def _found(
    row: NDArray[np.int32],
    relevant: NDArray[np.int32],
    gain: NDArray[np.float64],
    found: NDArray[np.float64],
) -> None:
    """Per place of a list, the gain of the relevant item it meets there for the first time."""
    for place in range(len(row)):
        found[place] = 0.0
        item = row[place]
        if item < 0:
            continue
        for i in range(len(relevant)):
            if relevant[i] == item:
                found[place] = gain[i]
                break
        for earlier in range(place):
            if row[earlier] == item:
                found[place] = 0.0
                break


@njit(cache=True, nogil=True)
def _ideal(gain: NDArray[np.float64], discount: NDArray[np.float64]) -> float:
    """Discounted gain of the best list: the largest gains first."""
    falling = np.sort(gain)[::-1]
    best = 0.0
    for place in range(min(len(falling), len(discount))):
        best += falling[place] / discount[place]
    return best
