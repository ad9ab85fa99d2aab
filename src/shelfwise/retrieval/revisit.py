"""What this shopper looked at or put in the cart, and may yet buy.

Each look counts the share of looks of its type that end in a purchase in this shop, the less the
longer ago: over one plus the days (or, without times, the root of one plus the later events), which
on real shops orders better than a half-life. A purchase ends it: what is wanted again is what
`repeat` knows. Without events before purchases, or with too few purchases, it has no opinion.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numba import njit
from numpy.typing import NDArray
from pydantic import Field

from shelfwise.core.columns import EVENT_CODE, EVENT_TYPES
from shelfwise.core.model import NOT_SCORED, Contribution, ModelState
from shelfwise.core.requests import Requests
from shelfwise.core.settings import Settings
from shelfwise.core.threads import over_rows
from shelfwise.retrieval.conversion import conversion_rates
from shelfwise.retrieval.interactions import DAY_MS, FitData, as_dataset

_PIECE = 64
_PURCHASE, _RATING = EVENT_CODE["purchase"], EVENT_CODE["rate"]


class RevisitConfig(Settings):
    """How looks of long ago count."""

    days: float = Field(default=1.0, gt=0)
    """Age at which a look counts half; at three times the age a quarter. Where times are real."""
    events: float = Field(default=1.0, gt=0)
    """The same in the shopper's later events, at the root of it, where times are not real."""


@dataclass(frozen=True)
class Revisit:
    """Score: per look since the last purchase, its type's conversion rate, faded by age."""

    name: ClassVar[str] = "revisit"

    rate: NDArray[np.float32]
    """[event types] share that ends in a purchase; 0 for a type that has no part."""
    n_items: int
    timed: bool
    config: RevisitConfig

    @classmethod
    def fit(cls, data: FitData, config: RevisitConfig, rng: np.random.Generator) -> Revisit:
        """The conversion rates of the shop; nothing is drawn."""
        dataset = as_dataset(data)
        rate = np.nan_to_num(conversion_rates(dataset)).astype(np.float32)
        return cls(rate, dataset.n_items, dataset.timed, config)

    def scores(self, requests: Requests) -> NDArray[np.float32]:
        """[n_requests, n_items]; -inf for what the shopper never looked at, or has bought since."""
        history = requests.history
        out = np.full((len(requests), self.n_items), NOT_SCORED, np.float32)
        over_rows(
            lambda start, stop: _score_rows(
                history.indptr,
                history.item,
                history.type,
                history.time_ms,
                requests.now_ms,
                self.rate,
                self._unit,
                self.timed,
                out,
                start,
                stop,
            ),
            len(out),
            _PIECE,
        )
        return out

    @property
    def _unit(self) -> float:
        """What a look's distance is measured in: milliseconds, or events."""
        return self.config.days * DAY_MS if self.timed else self.config.events

    def explain(
        self, requests: Requests, items: NDArray[np.int32], most: int | None = None
    ) -> list[list[Contribution]]:
        """Per item one contribution of the shopper's own looks at it since any purchase.

        Facts: how many there were in all (`times`) and of each type, by its name; with real times
        also `days_ago`, since the last.
        """
        scores = self.scores(requests)[0]
        return [
            [Contribution(int(item), float(scores[item]), self._facts(requests, int(item)))]
            if scores[item] > NOT_SCORED
            else []
            for item in items
        ]

    def _facts(self, requests: Requests, item: int) -> dict[str, float]:
        history = requests.history
        own = history.item == item
        had = np.flatnonzero(own & np.isin(history.type, (_PURCHASE, _RATING)))
        own &= self.rate[history.type] > 0
        own[: had.max(initial=-1) + 1] = False
        count = np.bincount(history.type[own], minlength=len(EVENT_TYPES))
        facts = {"times": float(own.sum())}
        facts |= {EVENT_TYPES[kind]: float(count[kind]) for kind in np.flatnonzero(count).tolist()}
        if self.timed:
            facts["days_ago"] = float(requests.now_ms[0] - history.time_ms[own].max()) / DAY_MS
        return facts

    def state(self) -> ModelState:
        """The model as plain data."""
        return ModelState(
            {"config": self.config.model_dump(), "n_items": self.n_items, "timed": self.timed},
            {"rate": self.rate},
        )

    @classmethod
    def from_state(cls, state: ModelState) -> Revisit:
        """The model that `state` was taken from."""
        return cls(
            state.arrays["rate"],
            state.settings["n_items"],
            state.settings["timed"],
            RevisitConfig.model_validate(state.settings["config"]),
        )


@njit(cache=True, nogil=True)
def _score_rows(
    indptr: NDArray[np.int64],
    item: NDArray[np.int32],
    kind: NDArray[np.int8],
    time_ms: NDArray[np.int64],
    now_ms: NDArray[np.int64],
    rate: NDArray[np.float32],
    unit: float,
    timed: bool,
    out: NDArray[np.float32],
    start: int,
    stop: int,
) -> None:
    n_items = out.shape[1]
    for row in range(start, stop):
        for at in range(indptr[row], indptr[row + 1]):
            code = item[at]
            if code < 0 or code >= n_items:
                continue
            if kind[at] == _PURCHASE or kind[at] == _RATING:
                out[row, code] = NOT_SCORED
                continue
            if rate[kind[at]] == 0:
                continue
            if timed:
                faded = 1.0 + max(now_ms[row] - time_ms[at], 0) / unit
            else:
                faded = np.sqrt(1.0 + (indptr[row + 1] - 1 - at) / unit)
            before = out[row, code]
            added = np.float32(rate[kind[at]] / faded)
            out[row, code] = added if before == NOT_SCORED else before + added
