"""Refunds taken off the purchases they undo, so that what was sent back is not learnt from.

A refund undoes the latest earlier purchase of the same item by the same shopper, then the one
before, until its quantity is used up. A purchase whose whole quantity came back is gone.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import duckdb
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from shelfwise.core.columns import EVENTS_SCHEMA
from shelfwise.ingest.scratch import Rows, quoted, register, scratch, with_place

_ENOUGH: Final = 1e-9


@dataclass(frozen=True)
class RefundCounts:
    """What the refunds did: refunds = matched + unmatched."""

    refunds: int
    matched: int
    """Refunds that undid at least part of a purchase."""
    unmatched: int
    """Refunds of something never seen to be bought (before the data begin, or by someone else)."""
    purchases_dropped: int
    """Purchases that came back whole."""
    purchases_reduced: int
    """Purchases of which a part came back."""


@dataclass(frozen=True)
class Corrections:
    """The purchases that refunds changed, by their row number in the events."""

    place: NDArray[np.int64]
    """Ascending."""
    quantity: NDArray[np.float64]
    """What was kept of each; 0 means the purchase is undone."""
    counts: RefundCounts


def refund_corrections(
    events: Rows, temp: Path, memory_gb: float = 2.0, until_ms: int | None = None
) -> Corrections:
    """What the refunds before `until_ms` (all, if None) change in the purchases.

    Row numbers run through the files in their order. Training up to a moment must not know of
    refunds after it, hence `until_ms`.
    """
    with scratch(temp, memory_gb) as connection:
        register(connection, events)
        return _corrections(connection, events, until_ms)


def net_refunds(events: Rows, out: Path, temp: Path, memory_gb: float = 2.0) -> RefundCounts:
    """The counts; writes the events without refunds, purchases made smaller, to `out` (Parquet)."""
    with scratch(temp, memory_gb) as connection:
        register(connection, events)
        found = _corrections(connection, events, None)
        changed = pa.table({"place": found.place, "left_over": found.quantity})
        connection.register("changed", changed)
        connection.execute(
            f"""COPY (
                SELECT {_columns()} FROM {with_place(events)} LEFT JOIN changed USING (place)
                WHERE event_type <> 'refund' AND coalesce(left_over, 1) > 0
                ORDER BY time_ms, place
            ) TO {quoted(out)} (FORMAT parquet, COMPRESSION zstd)"""
        )
    return found.counts


def _columns() -> str:
    """The columns of an event, the value shrinking with the quantity."""
    made = {
        "quantity": "coalesce(left_over, quantity) AS quantity",
        "value": "CASE WHEN left_over IS NULL THEN value "
        "ELSE value * left_over / quantity END AS value",
    }
    return ", ".join(made.get(name, f'"{name}"') for name in EVENTS_SCHEMA.names)


def _corrections(
    connection: duckdb.DuckDBPyConnection, events: Rows, until_ms: int | None
) -> Corrections:
    before = "" if until_ms is None else f"AND time_ms < {until_ms}"
    rows = connection.execute(
        f"""WITH acts AS (
            SELECT coalesce('u' || user_id, 's' || session_id) AS shopper, item_id, place, time_ms,
                   "order", quantity, event_type = 'refund' AS is_refund
            FROM {with_place(events)}
            WHERE event_type IN ('purchase', 'refund') AND item_id IS NOT NULL {before})
        SELECT shopper, item_id, place, quantity, is_refund
        FROM acts SEMI JOIN (FROM acts WHERE is_refund) AS sent_back USING (shopper, item_id)
        ORDER BY shopper, item_id, time_ms, is_refund, "order", place"""
    ).fetchall()
    return _undo(rows)


@dataclass
class _Shelf:
    """The open purchases of one shopper and item, the latest last."""

    open: list[tuple[int, float]] = field(default_factory=list)

    def take_back(self, quantity: float | None) -> list[tuple[int, float]]:
        """The purchases a refund changes and what is left of each; all of the latest if None."""
        changed: list[tuple[int, float]] = []
        wanted = self.open[-1][1] if quantity is None and self.open else (quantity or 0.0)
        while self.open and wanted > _ENOUGH:
            place, bought = self.open.pop()
            left = max(bought - wanted, 0.0)
            wanted -= bought - left
            changed.append((place, left))
            if left > _ENOUGH:
                self.open.append((place, left))
        return changed


def _undo(rows: Iterable[tuple[str, str, int, float | None, bool]]) -> Corrections:
    """Go through purchases and refunds in time order, shopper and item by shopper and item."""
    left: dict[int, float] = {}
    refunds = matched = 0
    shelf, whose = _Shelf(), ("", "")
    for shopper, item, place, quantity, is_refund in rows:
        if (shopper, item) != whose:
            shelf, whose = _Shelf(), (shopper, item)
        if not is_refund:
            shelf.open.append((place, 1.0 if quantity is None else quantity))
            continue
        changed = shelf.take_back(quantity)
        refunds += 1
        matched += bool(changed)
        left.update(changed)
    places = np.array(sorted(left), np.int64)
    kept = np.array([left[one] for one in places.tolist()], np.float64)
    undone = kept <= _ENOUGH
    dropped = int(undone.sum())
    counts = RefundCounts(refunds, matched, refunds - matched, dropped, len(places) - dropped)
    return Corrections(places, np.where(undone, 0.0, kept), counts)
