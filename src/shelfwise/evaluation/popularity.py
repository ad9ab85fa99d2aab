"""Best-sellers and the rest: how popular what a model shows is, and who gets the places.

Popularity is the number of interest events in training. Items of equal popularity are never told
apart.
"""

from __future__ import annotations

from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from shelfwise.core.dataset import Dataset
from shelfwise.core.ragged import Ragged
from shelfwise.evaluation.known import interest_mask

ItemSegment = Literal["head", "torso", "tail", "cold"]
ITEM_SEGMENTS: Final[tuple[ItemSegment, ...]] = ("head", "torso", "tail", "cold")
END_SHARE: Final = 0.2
"""Share of the events that the head holds, and the tail (Abdollahpouri et al., UMAP 2021)."""


def item_popularity(train: Dataset) -> NDArray[np.int64]:
    """[n_items]: the interest events of each item in training."""
    items = train.events.item[interest_mask(train.events)]
    return np.bincount(items, minlength=train.n_items).astype(np.int64, copy=False)


def item_segments(popularity: NDArray[np.int64]) -> NDArray[np.int8]:
    """[n_items]: the place of each item's segment in `ITEM_SEGMENTS`.

    The head are the fewest most popular items that together hold `END_SHARE` of the events, the
    tail the most least popular that hold no more, the torso the rest; a cold item has no event.

    >>> item_segments(np.array([50, 10, 10, 10, 10, 10, 0])).tolist()
    [0, 1, 1, 1, 1, 1, 3]
    """
    rising = np.sort(popularity)
    running = np.concatenate([[0], np.cumsum(rising)])
    not_above = running[np.searchsorted(rising, popularity, side="right")]
    above = running[-1] - not_above
    share = END_SHARE * running[-1]
    conditions = [popularity == 0, above < share, not_above <= share]
    codes = [ITEM_SEGMENTS.index(name) for name in ("cold", "head", "tail")]
    return np.select(conditions, codes, ITEM_SEGMENTS.index("torso")).astype(np.int8)


def exposure(top: NDArray[np.int32], segment: NDArray[np.int8]) -> dict[str, float]:
    """Per item segment, its share of all places in the lists; NaN where nothing is shown."""
    shown = segment[top[top >= 0]]
    times = np.bincount(shown, minlength=len(ITEM_SEGMENTS))
    total = float(times.sum()) or float("nan")
    return {name: float(n) / total for name, n in zip(ITEM_SEGMENTS, times, strict=True)}


def novelty(top: NDArray[np.int32], popularity: NDArray[np.int64]) -> float:
    """Mean surprise in bits of a shown item: its self-information.

    -log2 of the item's share of all events (Vargas and Castells, RecSys 2011), one event added to
    each item. NaN where nothing is shown.
    """
    share = (popularity + 1) / (popularity.sum() + len(popularity))
    return _mean_over_shown(top, -np.log2(share))


def popularity_bias(top: NDArray[np.int32], popularity: NDArray[np.int64]) -> float:
    """Mean popularity percentile of a shown item: 0.5 is even-handed, near 1 best-sellers.

    An item's percentile is the share of the catalogue less popular, plus half of the share equally
    popular. NaN where nothing is shown.
    """
    ordered = np.sort(popularity)
    below = np.searchsorted(ordered, popularity, side="left")
    not_above = np.searchsorted(ordered, popularity, side="right")
    return _mean_over_shown(top, (below + not_above) / 2 / len(popularity))


def average_popularity(top: NDArray[np.int32], popularity: NDArray[np.int64]) -> float:
    """Mean over lists of the mean popularity of a list's items; NaN where nothing is shown."""
    row, place = np.nonzero(top >= 0)
    of_list = _row_means(row, popularity[top[row, place]], len(top))
    return mean_of_known(of_list)


def popularity_lift(
    top: NDArray[np.int32], history: Ragged, popularity: NDArray[np.int64]
) -> float:
    """How much more popular the lists are than what the same shoppers chose: 0 is as popular.

    The mean popularity of a list over that of a history, less one (Abdollahpouri et al., UMAP 2020,
    over all shoppers with a history and a list). NaN where there is none.
    """
    row, place = np.nonzero(top >= 0)
    shown = _row_means(row, popularity[top[row, place]], len(top))
    chosen = _row_means(history.rows(), popularity[history.values], len(top))
    both = ~np.isnan(shown) & ~np.isnan(chosen)
    base = mean_of_known(chosen[both])
    return mean_of_known(shown[both]) / base - 1 if base > 0 else float("nan")


def _mean_over_shown(top: NDArray[np.int32], value: NDArray[np.float64]) -> float:
    shown = top[top >= 0]
    return float(value[shown].mean()) if len(shown) else float("nan")


def _row_means(
    row: NDArray[np.integer], value: NDArray[np.int64], n_rows: int
) -> NDArray[np.float64]:
    """[n_rows]: the mean of the values of each row; NaN where it has none."""
    n = np.bincount(row, minlength=n_rows)
    total = np.bincount(row, value.astype(np.float64), n_rows)
    mean: NDArray[np.float64] = np.divide(total, n, out=np.full(n_rows, np.nan), where=n > 0)
    return mean


def mean_of_known(values: NDArray[np.float64]) -> float:
    """The mean of the values that are not NaN; NaN where all are."""
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else float("nan")
