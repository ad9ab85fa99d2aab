"""What is known of each shopper while serving: the trained-on past, and what happened since.

The past comes from the model bundle as flat arrays; events after it are kept here as they arrive.
Answers read both together, so an event counts in its shopper's very next answer.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from shelfwise.core.requests import Histories

SESSION_PREFIX = "session:"
KEPT_LIVE = 500
"""Live events kept of each shopper; the oldest are forgotten first."""


@dataclass
class Recent:
    """Events of one shopper since training, in order of arrival."""

    item: list[int] = field(default_factory=list)
    type: list[int] = field(default_factory=list)
    time_ms: list[int] = field(default_factory=list)

    def add(self, item: int, type_code: int, time_ms: int) -> None:
        """Appends one event."""
        for column, value in ((self.item, item), (self.type, type_code), (self.time_ms, time_ms)):
            column.append(value)
            if len(column) > KEPT_LIVE:
                del column[0]


class Shoppers:
    """Histories by shopper key: a user id, or `session:` and a session id."""

    def __init__(self, users: list[str], past: Histories) -> None:
        self._row = {user: row for row, user in enumerate(users)}
        self._past = past
        self._recent: dict[str, Recent] = {}

    def __contains__(self, key: str) -> bool:
        return key in self._row or key in self._recent

    def known_as(self, user_id: str) -> str:
        """The id as ingest cleans it: `17850` where a spreadsheet wrote `17850.0`."""
        whole = user_id.removesuffix(".0")
        return whole if user_id not in self and whole in self else user_id

    def add(self, key: str, item: int, type_code: int, time_ms: int) -> None:
        """Notes one event."""
        self._recent.setdefault(key, Recent()).add(item, type_code, time_ms)

    def forget(self, key: str) -> None:
        """Drops everything held about a shopper."""
        self._row.pop(key, None)
        self._recent.pop(key, None)

    def typical(self) -> str | None:
        """The shopper whose past is of median length among those with any; None without any."""
        lengths = self._past.lengths()
        some = np.flatnonzero(lengths > 0)
        if len(some) == 0:
            return next(iter(self._recent), None)
        row = int(some[np.argsort(lengths[some], kind="stable")[len(some) // 2]])
        return next((user for user, at in self._row.items() if at == row), None)

    def history(self, keys: list[str], visit: list[tuple[int, int, int]]) -> Histories:
        """One history of everything known under `keys`, then `visit` (item, type, time), by time.

        The visit is what the question itself says; it comes last.
        """
        parts = [part for key in keys for part in self._parts(key)]
        columns = [
            np.concatenate([part[at] for part in parts]) if parts else None for at in (0, 1, 2)
        ]
        item, kind, time = (
            np.empty(0, np.int64) if column is None else column for column in columns
        )
        order = np.argsort(time, kind="stable")
        said = np.asarray(visit, np.int64).reshape(-1, 3)
        return Histories(
            np.asarray([0, len(item) + len(said)], np.int64),
            np.concatenate([item[order], said[:, 0]]).astype(np.int32),
            np.concatenate([kind[order], said[:, 1]]).astype(np.int8),
            np.concatenate([time[order], said[:, 2]]).astype(np.int64),
        )

    def _parts(self, key: str) -> list[tuple[NDArray[np.integer], ...]]:
        parts: list[tuple[NDArray[np.integer], ...]] = []
        row = self._row.get(key)
        if row is not None:
            at = slice(self._past.indptr[row], self._past.indptr[row + 1])
            parts.append((self._past.item[at], self._past.type[at], self._past.time_ms[at]))
        recent = self._recent.get(key)
        if recent is not None:
            parts.append(
                (np.asarray(recent.item), np.asarray(recent.type), np.asarray(recent.time_ms))
            )
        return parts
