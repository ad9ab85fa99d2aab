"""How good ranked lists are: exact metrics per request, and what a model shows of the catalogue.

A list is a row of item codes, best first, -1 where it is shorter. Who ranked and how ties were
broken is not known here. An item that a list holds twice counts once, at its first place.
"""

from __future__ import annotations

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
    """Discounted gain over that of the best list of this length, all relevant items alike."""
    mrr: NDArray[np.float64]
    """One over the place of the first relevant item; 0 where there is none."""
    hit_rate: NDArray[np.float64]
    """1 where the list holds a relevant item."""
    map: NDArray[np.float64]
    """Precision at each hit, summed, over the hits that a list of this length can have."""
    precision: NDArray[np.float64]
    """Relevant items of the list over its full length k."""

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


def score_lists(top: NDArray[np.int32], relevant: Ragged, k: int) -> Scores:
    """The metrics of the first `k` items of each row of `top` ([n_requests, at least k]).

    `relevant` holds distinct items.

    >>> one = score_lists(np.array([[7, 3, 5]], np.int32), Ragged.of([[3, 9]]), 3)
    >>> one.recall.tolist(), one.mrr.tolist(), one.map.tolist()
    ([0.5], [0.5], [0.25])
    """
    if top.ndim != 2 or len(top) != len(relevant) or not 0 < k <= top.shape[1]:
        raise ValueError(f"Lists {top.shape} do not fit {len(relevant)} requests and k={k}.")
    discount = 1.0 / np.log2(np.arange(2, k + 2))
    hits = _hits(np.ascontiguousarray(top[:, :k], np.int32), relevant.indptr, relevant.values)
    wanted = relevant.lengths()
    reachable = np.minimum(wanted, k)
    ideal = np.concatenate(([np.nan], np.cumsum(discount)))[reachable]
    asked = np.where(wanted > 0, 1.0, np.nan)
    found = hits.sum(axis=1)
    precision_at = np.cumsum(hits, axis=1) / np.arange(1, k + 1)
    return Scores(
        recall=found / (wanted * asked),
        ndcg=hits @ discount / ideal,
        mrr=np.where(found > 0, 1.0 / (hits.argmax(axis=1) + 1), 0.0) * asked,
        hit_rate=(found > 0) * asked,
        map=(precision_at * hits).sum(axis=1) / (reachable * asked),
        precision=found / k * asked,
    )


def coverage(top: NDArray[np.int32], n_items: int) -> float:
    """Share of the catalogue that at least one list holds."""
    shown = np.unique(top)
    return float((shown >= 0).sum() / n_items)


def novelty(top: NDArray[np.int32], popularity: NDArray[np.int64]) -> float:
    """Mean surprise in bits of a recommended item; `popularity` is its events in training.

    -log2 of the item's share of all events (Vargas and Castells, RecSys 2011), one event added to
    each item. NaN where nothing is recommended.
    """
    share = (popularity + 1) / (popularity.sum() + len(popularity))
    return _mean_over_shown(top, -np.log2(share))


def popularity_bias(top: NDArray[np.int32], popularity: NDArray[np.int64]) -> float:
    """Mean popularity percentile of a recommended item: 0.5 is even-handed, near 1 best-sellers.

    An item's percentile is the share of the catalogue less popular, plus half of the share equally
    popular. NaN where nothing is recommended.
    """
    ordered = np.sort(popularity)
    below = np.searchsorted(ordered, popularity, side="left")
    not_above = np.searchsorted(ordered, popularity, side="right")
    return _mean_over_shown(top, (below + not_above) / 2 / len(popularity))


def _mean_over_shown(top: NDArray[np.int32], value: NDArray[np.float64]) -> float:
    shown = top[top >= 0]
    return float(value[shown].mean()) if len(shown) else float("nan")


@njit(cache=True, nogil=True)
def _hits(
    top: NDArray[np.int32], indptr: NDArray[np.int64], relevant: NDArray[np.int32]
) -> NDArray[np.float64]:
    """[n_requests, k]: 1 where the list meets a relevant item for the first time."""
    hits = np.zeros(top.shape, np.float64)
    for r in range(len(top)):
        for place in range(top.shape[1]):
            item = top[r, place]
            if item < 0:
                continue
            found = False
            for i in range(indptr[r], indptr[r + 1]):
                if relevant[i] == item:
                    found = True
                    break
            for earlier in range(place):
                if top[r, earlier] == item:
                    found = False
                    break
            if found:
                hits[r, place] = 1.0
    return hits
