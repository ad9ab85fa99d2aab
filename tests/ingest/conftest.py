"""Files written for a test, and everything read out of them again."""

from __future__ import annotations

import gzip
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pytest

from shelfwise.core.columns import (
    EVENTS_SCHEMA,
    PRODUCTS_SCHEMA,
    QUARANTINE_SCHEMA,
    REVIEWS_SCHEMA,
)
from shelfwise.ingest import ColumnMapping, Kind, open_source

NOW_MS = 1_750_000_000_000
"""2025-06-15, the moment at which the tests read their files."""

Row = dict[str, object]


@dataclass(frozen=True)
class Everything:
    """All batches of one file together."""

    format: str
    mapping: ColumnMapping
    events: list[Row]
    products: list[Row]
    reviews: list[Row]
    quarantine: list[Row]
    read: Counter[str]
    repairs: Counter[str]

    def reasons(self) -> Counter[str]:
        """How many rows were set aside, by reason."""
        return Counter(str(row["reason"]) for row in self.quarantine)

    def column(self, name: str) -> list[object]:
        """One column of the events."""
        return [row[name] for row in self.events]


Read = Callable[..., Everything]
Write = Callable[[str, "str | bytes"], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """A function that writes a file (compressed if its name ends in .gz) and gives its path."""

    def write_file(name: str, content: str | bytes) -> Path:
        path = tmp_path / name
        data = content.encode() if isinstance(content, str) else content
        path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
        return path

    return write_file


@pytest.fixture
def read() -> Read:
    """A function that reads a whole file and checks that no row vanished."""
    return read_everything


def read_everything(path: Path, kind: Kind = "auto", format: str = "auto") -> Everything:  # noqa: A002
    """All that `open_source` gives for the file."""
    source = open_source(path, kind=kind, format=format, now_ms=NOW_MS)
    tables: dict[str, list[pa.Table]] = {"events": [], "products": [], "reviews": []}
    quarantine: list[pa.Table] = [QUARANTINE_SCHEMA.empty_table()]
    counted: Counter[str] = Counter()
    repairs: Counter[str] = Counter()
    for batch in source.batches():
        for name, held in tables.items():
            table = getattr(batch, name)
            if table is not None:
                held.append(table)
        quarantine.append(batch.quarantine)
        counted.update(batch.read)
        repairs.update(batch.repairs)
    set_aside = pa.concat_tables(quarantine).to_pylist()
    rows = {
        "events": _rows(tables["events"], EVENTS_SCHEMA),
        "products": _rows(tables["products"], PRODUCTS_SCHEMA),
        "reviews": _rows(tables["reviews"], REVIEWS_SCHEMA),
    }
    for name, kept in rows.items():
        aside = sum(row["kind"] == name for row in set_aside)
        assert counted[name] == len(kept) + aside, f"{name}: a row vanished"
    return Everything(
        format=source.format,
        mapping=source.mapping,
        quarantine=set_aside,
        read=counted,
        repairs=repairs,
        **rows,
    )


def _rows(tables: list[pa.Table], schema: pa.Schema) -> list[Row]:
    for table in tables:
        assert table.schema == schema
    rows: list[Row] = pa.concat_tables([schema.empty_table(), *tables]).to_pylist()
    return rows
