"""Rows on their way to be cleaned, and the tally of those that cannot be."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from shelfwise.core.columns import QUARANTINE_SCHEMA
from shelfwise.ingest.batch import Chunk

Columns = dict[str, "pa.Array | pa.ChunkedArray"]


@dataclass(frozen=True)
class Draft:
    """Rows under our column names, their values still as the source wrote them."""

    kind: str
    """events, products or reviews."""
    columns: Columns
    """Canonical names (so `timestamp`); `attributes` is already a list of tokens."""
    rows: int
    origin: NDArray[np.int64] | None = None
    """Per row, which row of the chunk it comes from; None when they are the same rows."""
    rejected: tuple[tuple[NDArray[np.bool_], str], ...] = ()
    """Rows the connector itself sets aside, with the reason."""
    timed: bool = True
    """False: `timestamp` holds positions in milliseconds that only give the order."""
    ratings: tuple[float, float] = (0.0, 10.0)
    """The least and the greatest rating that can be."""


@dataclass(frozen=True)
class Rules:
    """What cleaning needs to know besides the rows."""

    now_ms: int
    """Events after this moment (and two days) cannot have happened."""
    day_first: bool = False
    """How dates like 03/04/2011 are read."""


@dataclass
class Rejections:
    """Per row the first reason found against it."""

    rows: int
    reasons: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.code = np.zeros(self.rows, np.int16)

    def add(self, where: NDArray[np.bool_], reason: str) -> None:
        """Set the rows at `where` aside, unless they already are."""
        fresh = where & (self.code == 0)
        if fresh.any():
            self.reasons.append(reason)
            self.code[fresh] = len(self.reasons)

    @property
    def kept(self) -> NDArray[np.bool_]:
        """True for the rows nothing speaks against."""
        kept: NDArray[np.bool_] = self.code == 0
        return kept


@dataclass(frozen=True)
class Cleaned:
    """The rows of a draft in their final form, good and bad told apart."""

    table: pa.Table
    """All rows of the draft."""
    rejections: Rejections
    repairs: dict[str, int] = field(default_factory=dict)

    def good(self) -> pa.Table:
        """The rows that may be used."""
        kept = self.rejections.kept
        return self.table if kept.all() else self.table.filter(pa.array(kept))

    def quarantine(self, source: str, draft: Draft, chunk: Chunk) -> pa.Table:
        """`QUARANTINE_SCHEMA` rows for the others."""
        bad = np.flatnonzero(~self.rejections.kept)
        if not len(bad):
            return QUARANTINE_SCHEMA.empty_table()
        origin = bad if draft.origin is None else draft.origin[bad]
        names = np.array(self.rejections.reasons, dtype=object)
        reasons = names[self.rejections.code[bad] - 1]
        return pa.table(
            {
                "source": pa.array([source] * len(bad), pa.string()),
                "line": pa.array(chunk.line[origin], pa.int64()),
                "kind": pa.array([draft.kind] * len(bad), pa.string()),
                "reason": pa.array(reasons, pa.string()),
                "row": pa.array(chunk.rows_as_json(origin), pa.string()),
            },
            schema=QUARANTINE_SCHEMA,
        )
