"""Questions to the recommender: always a batch, one question is a batch of one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from shelfwise.core.columns import EVENT_CODE
from shelfwise.core.dataset import Dataset
from shelfwise.core.ragged import Ragged
from shelfwise.core.vocabulary import UNKNOWN


@dataclass(frozen=True)
class Histories:
    """What each shopper of a batch did, oldest first: rows `indptr[i]` to `indptr[i + 1]`.

    Only events about known items are here, so every `item` is a valid code.
    """

    indptr: NDArray[np.int64]
    item: NDArray[np.int32]
    type: NDArray[np.int8]
    time_ms: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.indptr) - 1

    def lengths(self) -> NDArray[np.int64]:
        """How many events each shopper has."""
        return np.diff(self.indptr)

    def items(self) -> Ragged:
        """The items alone."""
        return Ragged(self.indptr, self.item)

    def part(self, start: int, stop: int) -> Histories:
        """The shoppers `start` to `stop`; a `stop` beyond the end is the end."""
        indptr = self.indptr[start : min(stop, len(self)) + 1]
        first, last = indptr[0], indptr[-1]
        return Histories(
            indptr - first,
            self.item[first:last],
            self.type[first:last],
            self.time_ms[first:last],
        )

    def take(self, where: NDArray[np.int64]) -> Histories:
        """The shoppers at these places, in this order."""
        lengths = self.lengths()[where]
        indptr = np.append(0, np.cumsum(lengths)).astype(np.int64)
        rows = np.arange(indptr[-1]) + np.repeat(self.indptr[where] - indptr[:-1], lengths)
        return Histories(indptr, self.item[rows], self.type[rows], self.time_ms[rows])

    @classmethod
    def of_users(cls, dataset: Dataset, users: NDArray[np.int32]) -> Histories:
        """The history of each of `users` (codes; -1 gives an empty one) in the dataset's events."""
        events = dataset.events
        order = np.argsort(events.user, kind="stable")
        counts = np.bincount(events.user, minlength=dataset.n_users)
        start = np.zeros(dataset.n_users + 2, np.int64)
        np.cumsum(counts, out=start[1:-1])
        start[-1] = start[-2]  # UNKNOWN (-1) reads start[-1] and start[0]: length is zeroed below
        lengths = np.where(users >= 0, counts[users] if len(counts) else 0, 0).astype(np.int64)
        indptr = np.zeros(len(users) + 1, np.int64)
        np.cumsum(lengths, out=indptr[1:])
        offset = np.repeat(start[users] - indptr[:-1], lengths)
        where = order[np.arange(indptr[-1]) + offset]
        return cls(indptr, events.item[where], events.type[where], events.time_ms[where])

    @classmethod
    def of_items(cls, items: Ragged, type_code: int = EVENT_CODE["view"]) -> Histories:
        """Histories that are just items, one second apart, as one event type."""
        position = np.arange(len(items.values)) - np.repeat(items.indptr[:-1], items.lengths())
        return cls(
            items.indptr,
            items.values,
            np.full(len(items.values), type_code, np.int8),
            position.astype(np.int64) * 1000,
        )


@dataclass(frozen=True)
class Requests:
    """A batch of questions: for whom, given what they did, when, how many, what is not allowed."""

    history: Histories
    user: NDArray[np.int32]
    """User code, -1 for an anonymous or unknown shopper. Models must work from `history` alone."""
    now_ms: NDArray[np.int64]
    """When each question is asked, UTC milliseconds."""
    n: int
    """How many items each answer should hold."""
    exclude: Ragged
    """Items that must not be in the answer."""
    eligible: NDArray[np.bool_] | None = None
    """[n_requests or 1, n_items]: false where the filter or the stock forbids; None: all may."""

    def __len__(self) -> int:
        return len(self.user)

    def part(self, start: int, stop: int) -> Requests:
        """The questions `start` to `stop` (or the end), for working through a large batch."""
        eligible = self.eligible
        if eligible is not None and len(eligible) > 1:
            eligible = eligible[start:stop]
        return replace(
            self,
            history=self.history.part(start, stop),
            user=self.user[start:stop],
            now_ms=self.now_ms[start:stop],
            exclude=self.exclude.part(start, stop),
            eligible=eligible,
        )

    def take(self, where: NDArray[np.int64]) -> Requests:
        """The questions at these places, in this order."""
        eligible = self.eligible
        if eligible is not None and len(eligible) > 1:
            eligible = eligible[where]
        return replace(
            self,
            history=self.history.take(where),
            user=self.user[where],
            now_ms=self.now_ms[where],
            exclude=self.exclude.take(where),
            eligible=eligible,
        )

    @classmethod
    def of_histories(
        cls,
        history: Histories,
        n: int,
        *,
        user: NDArray[np.int32] | None = None,
        now_ms: NDArray[np.int64] | None = None,
    ) -> Requests:
        """Questions that exclude nothing; `now` is one second after each history's last event."""
        count = len(history)
        if now_ms is None:
            now_ms = np.zeros(count, np.int64)
            some = history.lengths() > 0
            now_ms[some] = history.time_ms[history.indptr[1:][some] - 1] + 1000
        return cls(
            history=history,
            user=np.full(count, UNKNOWN, np.int32) if user is None else user,
            now_ms=now_ms,
            n=n,
            exclude=Ragged(np.zeros(count + 1, np.int64), np.empty(0, np.int32)),
        )


def joined(requests: Sequence[Requests]) -> Requests:
    """One batch of several (at least one), which share `n` and what is eligible."""
    histories = [one.history for one in requests]
    return replace(
        requests[0],
        history=Histories(
            _indptr([history.lengths() for history in histories]),
            np.concatenate([history.item for history in histories]),
            np.concatenate([history.type for history in histories]),
            np.concatenate([history.time_ms for history in histories]),
        ),
        user=np.concatenate([one.user for one in requests]),
        now_ms=np.concatenate([one.now_ms for one in requests]),
        exclude=Ragged(
            _indptr([one.exclude.lengths() for one in requests]),
            np.concatenate([one.exclude.values for one in requests]),
        ),
    )


def _indptr(lengths: Sequence[NDArray[np.int64]]) -> NDArray[np.int64]:
    return np.concatenate([[0], np.cumsum(np.concatenate(lengths))]).astype(np.int64)
