"""What this shopper had before and may want again: for groceries, wholesale and anything used up.

Each earlier purchase counts, the newer the more, times the share of the product's buyers who bought
it again. Half-lives are measured in the shop's own typical interval between two purchases of one
product, so that a grocer and a gift shop need no settings. Where nobody ever buys again it has no
opinion.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pyarrow as pa
from numba import njit
from numpy.typing import NDArray
from pydantic import Field

from shelfwise.core.columns import EVENT_CODE
from shelfwise.core.dataset import Dataset
from shelfwise.core.model import NOT_SCORED, Contribution, ModelState
from shelfwise.core.requests import Requests
from shelfwise.core.settings import Settings
from shelfwise.core.threads import over_rows
from shelfwise.retrieval.interactions import DAY_MS, EventWeights, FitData, as_dataset

_PIECE = 64
_SHORTEST_DAYS = 0.5
"""Two purchases closer than this say nothing about an interval."""


class RepeatConfig(Settings):
    """How earlier purchases count."""

    memory: float = Field(default=2.5, gt=0)
    """Age, in the shop's typical intervals between repeats, at which a purchase counts half."""
    decay: float = Field(default=0.95, gt=0, le=1)
    """Factor per later purchase, where times are not real."""
    shrink: float = Field(default=5.0, gt=0)
    """Buyers of its category added to a product's own, and of the shop to a category's."""
    enough_purchases: int = Field(default=300, ge=1)
    """With fewer purchases in the data, every interest counts, not purchases alone."""
    weights: EventWeights = EventWeights()
    """Types that weigh nothing never count; alters nothing else."""


@dataclass(frozen=True)
class Repeat:
    """Score: the decayed number of the shopper's purchases, times the product's repeat rate."""

    name: ClassVar[str] = "repeat"

    rate: NDArray[np.float32]
    """[n_items] share of the product's buyers who bought it again, shrunk to its category's."""
    typical_days: NDArray[np.float32]
    """[n_items] geometric mean of the days between two purchases of it by one shopper, shrunk."""
    counts: NDArray[np.bool_]
    """[event types] whether an event of the type is a purchase in the sense of this model."""
    half_life_days: float
    """0 where times are not real."""
    config: RepeatConfig

    @classmethod
    def fit(cls, data: FitData, config: RepeatConfig, rng: np.random.Generator) -> Repeat:
        """How often and how soon each product is bought again."""
        dataset = as_dataset(data)
        counts = _counted_types(dataset, config)
        moment = _moments(dataset, counts)
        parent = _categories(dataset.products)
        repeated = np.bincount(moment.item[moment.again], minlength=dataset.n_items)
        buyers = np.bincount(moment.item[moment.first], minlength=dataset.n_items)
        rate = _shrunk(repeated, buyers, parent, config.shrink)
        gap = np.bincount(moment.gap_item, np.log(moment.gap_days), minlength=dataset.n_items)
        n_gaps = np.bincount(moment.gap_item, minlength=dataset.n_items)
        typical = np.exp(_shrunk(gap, n_gaps, parent, config.shrink))
        shop_wide = float(np.exp(np.median(np.log(moment.gap_days)))) if n_gaps.any() else 1.0
        half_life = config.memory * shop_wide if dataset.timed else 0.0
        return cls(rate.astype(np.float32), typical.astype(np.float32), counts, half_life, config)

    def scores(self, requests: Requests) -> NDArray[np.float32]:
        """[n_requests, n_items]; -inf for what the shopper never had or nobody has twice."""
        history = requests.history
        out = np.full((len(requests), len(self.rate)), NOT_SCORED, np.float32)
        over_rows(
            lambda start, stop: _score_rows(
                history.indptr,
                history.item,
                history.type,
                history.time_ms,
                requests.now_ms,
                self.counts,
                self.half_life_days * DAY_MS,
                self.config.decay,
                self.rate,
                out,
                start,
                stop,
            ),
            len(out),
            _PIECE,
        )
        return out

    def explain(
        self, requests: Requests, items: NDArray[np.int32], most: int | None = None
    ) -> list[list[Contribution]]:
        """Per item one contribution of the shopper's own purchases of it.

        Facts: `times`; with real times also `days_ago`, since the last, and `typical_days` between
        two. `bought` is 0 where every interest counts, not purchases alone.
        """
        scores = self.scores(requests)[0]
        return [
            [Contribution(int(item), float(scores[item]), self._facts(requests, int(item)))]
            if scores[item] > 0
            else []
            for item in items
        ]

    def _facts(self, requests: Requests, item: int) -> dict[str, float]:
        history = requests.history
        own = history.time_ms[(history.item == item) & self.counts[history.type]]
        bought = float(self.counts.sum() == 1)
        if not self.half_life_days:
            return {"times": float(len(own)), "bought": bought}
        return {
            "times": float(len(np.unique(own))),
            "bought": bought,
            "days_ago": float(requests.now_ms[0] - own.max()) / DAY_MS,
            "typical_days": float(self.typical_days[item]),
        }

    def state(self) -> ModelState:
        """The model as plain data."""
        return ModelState(
            {"config": self.config.model_dump(), "half_life_days": self.half_life_days},
            {"rate": self.rate, "typical_days": self.typical_days, "counts": self.counts},
        )

    @classmethod
    def from_state(cls, state: ModelState) -> Repeat:
        """The model that `state` was taken from."""
        return cls(
            state.arrays["rate"],
            state.arrays["typical_days"],
            state.arrays["counts"],
            state.settings["half_life_days"],
            RepeatConfig.model_validate(state.settings["config"]),
        )


def _counted_types(dataset: Dataset, config: RepeatConfig) -> NDArray[np.bool_]:
    wanted = config.weights.by_type() > 0
    if (dataset.events.type == EVENT_CODE["purchase"]).sum() < config.enough_purchases:
        return wanted
    only = np.zeros_like(wanted)
    only[EVENT_CODE["purchase"]] = True
    return only


@dataclass(frozen=True)
class _Moments:
    """The distinct times at which a shopper had an item, sorted by shopper and item."""

    item: NDArray[np.int64]
    first: NDArray[np.bool_]
    """Whether it is the shopper's first time."""
    again: NDArray[np.bool_]
    """Whether it is the second."""
    gap_item: NDArray[np.int64]
    gap_days: NDArray[np.float64]
    """Days between one time and the next, where there is a next."""


def _moments(dataset: Dataset, counts: NDArray[np.bool_]) -> _Moments:
    events = dataset.events
    used = np.flatnonzero(counts[events.type] & (events.item >= 0))
    key = events.user[used].astype(np.int64) * max(dataset.n_items, 1) + events.item[used]
    order = np.argsort(key, kind="stable")  # events are in order of time already
    key, time = key[order], events.time_ms[used][order]
    new_pair = np.diff(key, prepend=-1) != 0
    kept = new_pair | (np.diff(time, prepend=-1) != 0)
    key, time, first = key[kept], time[kept], new_pair[kept]
    again = ~first & np.concatenate(([False], first[:-1])) if len(first) else first
    item = key % max(dataset.n_items, 1)
    later = np.flatnonzero(~first)
    days = (time[later] - time[later - 1]) / DAY_MS
    return _Moments(item, first, again, item[later], np.maximum(days, _SHORTEST_DAYS))


def _categories(products: pa.Table) -> NDArray[np.int64]:
    """[n_items] a number per category; the same one for all products without any."""
    words = products.column("category").combine_chunks().dictionary_encode()
    codes = words.indices.fill_null(len(words.dictionary)).to_numpy(zero_copy_only=False)
    return np.asarray(codes, np.int64)


def _shrunk(
    total: NDArray[np.number], count: NDArray[np.int64], parent: NDArray[np.int64], shrink: float
) -> NDArray[np.float64]:
    """[n_items] mean per item, pulled to that of its parent, which is pulled to that of all."""
    everywhere = float(total.sum()) / max(float(count.sum()), 1.0)
    parent_total = np.bincount(parent, total) + shrink * everywhere
    of_parent = parent_total / (np.bincount(parent, count) + shrink)
    return np.asarray((total + shrink * of_parent[parent]) / (count + shrink), np.float64)


@njit(cache=True, nogil=True)
def _score_rows(
    indptr: NDArray[np.int64],
    item: NDArray[np.int32],
    kind: NDArray[np.int8],
    time_ms: NDArray[np.int64],
    now_ms: NDArray[np.int64],
    counts: NDArray[np.bool_],
    half_life_ms: float,
    decay: float,
    rate: NDArray[np.float32],
    out: NDArray[np.float32],
    start: int,
    stop: int,
) -> None:
    last_at = np.full(len(rate), -1, np.int64)
    for row in range(start, stop):
        since = 0
        for at in range(indptr[row + 1] - 1, indptr[row] - 1, -1):
            code = item[at]
            if not counts[kind[at]] or code >= len(rate) or rate[code] == 0:
                continue
            timed = half_life_ms > 0
            if timed and last_at[code] >= indptr[row] and time_ms[last_at[code]] == time_ms[at]:
                continue
            last_at[code] = at
            age = max(now_ms[row] - time_ms[at], 0)
            factor = 0.5 ** (age / half_life_ms) if timed else decay**since
            before = out[row, code]
            added = np.float32(factor * rate[code])
            out[row, code] = added if before == NOT_SCORED else before + added
            since += 1
