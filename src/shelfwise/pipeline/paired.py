"""Two versions asked the same questions, about choices that neither has learnt from.

A version's own held-out figure is of the latest requests at the time of its training, so two such
figures differ by their requests as much as by their models. Here both answer the same requests, in
the same place in time, and the difference is taken request by request. A stored version has other
codes: histories and answers are translated by the shop's ids, and what it has never heard of is
left out of what it is told, as it was when it answered.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from shelfwise.core.ragged import Ragged
from shelfwise.core.requests import Histories, Requests
from shelfwise.core.vocabulary import UNKNOWN, Vocabulary
from shelfwise.evaluation.intervals import difference
from shelfwise.evaluation.metrics import score_lists
from shelfwise.pipeline.engine import Engine
from shelfwise.pipeline.live import LiveShop
from shelfwise.pipeline.recommend import recommend_top
from shelfwise.ranking.objective import ObjectiveConfig

ENOUGH: Final = 100
"""Requests below which two versions are not compared: an interval of so few says nothing."""
MOST: Final = 4000
"""Requests that both answer at most; more would tell little and cost time."""
MARGIN: Final = 0.02
"""A version is surely worse where the whole interval of the difference is below less this share of
the other's figure. A new version is measured by models that lack the latest data it will have."""


@dataclass(frozen=True)
class Paired:
    """What the same requests say of two versions."""

    against: str
    """The version compared with."""
    requests: int
    k: int
    ndcg_against: float
    """Mean NDCG@k of the version compared with."""
    ndcg: float
    difference: float
    """`ndcg` minus `ndcg_against`."""
    ci95: tuple[float, float]
    """Of the difference: paired bootstrap over the requests."""
    since_ms: int
    """What was to be found was chosen at this time or later; neither has learnt from that."""

    @property
    def surely_worse(self) -> bool:
        """Whether the whole interval lies below zero, by more than `MARGIN`."""
        return self.ci95[1] < -MARGIN * self.ndcg_against

    def says(self) -> str:
        """The comparison in a sentence."""
        return (
            f"On {self.requests:,} requests that neither had learnt from, its NDCG@{self.k} is"
            f" {self.ndcg:.4f} against {self.ndcg_against:.4f} of version {self.against}:"
            f" {self.difference:+.4f} ({self.ci95[0]:+.4f} to {self.ci95[1]:+.4f})."
        )


@dataclass(frozen=True)
class Unpaired:
    """Why two versions cannot be asked the same questions."""

    why: str


@dataclass(frozen=True)
class Answerer:
    """An engine with other codes than the requests it is asked."""

    engine: Engine
    theirs: NDArray[np.int32]
    """[n_items] its code of each of our items; -1: it does not know the item."""
    ours: NDArray[np.int32]
    """[its n_items] our code of each of its items; -1: we do not know it."""

    @classmethod
    def of(cls, live: LiveShop, items: Vocabulary) -> Answerer:
        """The shop as it answers, for requests in the codes of `items`."""
        ours = items.codes(live.item_ids)
        theirs = np.full(len(items), UNKNOWN, np.int32)
        known = np.flatnonzero(ours >= 0)
        theirs[ours[known]] = known
        return cls(by_relevance(live.engine), theirs, ours)

    def top(self, requests: Requests, k: int) -> NDArray[np.int32]:
        """[n_requests, k] its answers in our codes; -1 where it names something we do not know."""
        asked = replace(
            requests,
            history=_translated(requests.history, self.theirs),
            user=np.full(len(requests), UNKNOWN, np.int32),
            n=k,
        )
        top = recommend_top(self.engine, asked, k)
        return np.where(top >= 0, self.ours[top], UNKNOWN).astype(np.int32)


def by_relevance(engine: Engine) -> Engine:
    """The engine without a goal of money: the NDCG of what was chosen asks for relevance."""
    return replace(engine, objective=ObjectiveConfig())


def compared(
    top: NDArray[np.int32],
    top_against: NDArray[np.int32],
    relevant: Ragged,
    *,
    against: str,
    since_ms: int,
    seed: int,
) -> Paired:
    """The answers `top` and `top_against` ([n_requests, k] item codes) to the same requests."""
    k = top.shape[1]
    new = score_lists(top, relevant, k).ndcg
    old = score_lists(top_against, relevant, k).ndcg
    gap = difference(new, old, seed)
    return Paired(
        against=against,
        requests=len(relevant),
        k=k,
        ndcg_against=float(old.mean()),
        ndcg=float(new.mean()),
        difference=gap.mean,
        ci95=(gap.low, gap.high),
        since_ms=since_ms,
    )


def some_of(n: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Which of `n` requests are asked: all, or `MOST` of them drawn."""
    return np.sort(rng.permutation(n)[:MOST])


def _translated(history: Histories, code: NDArray[np.int32]) -> Histories:
    """The histories in other codes, without the events whose item has none."""
    item = code[history.item]
    kept = item >= 0
    running = np.append(0, np.cumsum(kept)).astype(np.int64)
    return Histories(running[history.indptr], item[kept], history.type[kept], history.time_ms[kept])
