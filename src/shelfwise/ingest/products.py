"""One row a product out of all that was ever said about it, and what was contradicted.

A newer file wins field by field where it says anything. Within one file the last value counts,
except for titles: there the most frequent one, since files made of order lines carry notes of the
day (`damaged`, `see 22719`) among the names.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import duckdb

from shelfwise.core.columns import PRODUCTS_SCHEMA
from shelfwise.ingest.scratch import parquet, quoted, scratch

MOST_CONFLICTS_LISTED: Final = 1000

_FIELDS: Final = tuple(name for name in PRODUCTS_SCHEMA.names if name != "item_id")
_GATHERED: Final = frozenset({"title", "attributes"})
"""Fields that are not simply the last value."""

_COMPARED: Final = ("title", "description", "brand", "category", "price", "currency")
"""Fields whose contradictions within one file are reported."""


@dataclass(frozen=True)
class Conflict:
    """One field of one product that a single file gave several values."""

    item_id: str
    field: str
    kept: str
    dropped: tuple[str, ...]


@dataclass(frozen=True)
class ProductCounts:
    """What became of the staged rows: read = accepted + duplicates."""

    read: int
    accepted: int
    """Products that are new, or say something new."""
    duplicates: int
    """Rows that were merged into another, or repeat what was known."""
    conflicts: int
    """Contradictions, one for each product and field."""
    listed: tuple[Conflict, ...]
    """The first of them, in the order of the ids."""


def resolve_products(
    staged: Sequence[Path],
    existing: Path | None,
    out: Path,
    temp: Path,
    memory_gb: float = 2.0,
) -> ProductCounts:
    """The counts; writes one row a product, known and new, to `out`, in the order of the ids.

    `staged` is in the order in which the files were given: a later one is newer.
    """
    with scratch(temp, memory_gb) as connection:
        _said(connection, staged, existing)
        connection.execute(f"CREATE TEMP TABLE resolved AS {_RESOLVED}")
        connection.execute(
            f"COPY (FROM resolved ORDER BY item_id) TO {quoted(out)} "
            "(FORMAT parquet, COMPRESSION zstd)"
        )
        read = _number(connection, "SELECT count(*) FROM said WHERE file > 0")
        accepted = _number(connection, _CHANGED if existing else "SELECT count(*) FROM resolved")
        conflicts, listed = _conflicts(connection)
    return ProductCounts(read, accepted, read - accepted, conflicts, listed)


def _said(
    connection: duckdb.DuckDBPyConnection, staged: Sequence[Path], existing: Path | None
) -> None:
    """Make `said`: every row with the number of its file (0: known already) and its place."""
    columns = ", ".join(PRODUCTS_SCHEMA.names)
    known = (
        f"SELECT {columns}, 0 AS file, 0 AS place FROM {parquet([existing])} UNION ALL "
        if (existing)
        else ""
    )
    connection.execute(
        f"CREATE TEMP TABLE said AS {known} SELECT {columns}, file_index + 1 AS file, "
        f"file_row_number AS place FROM {parquet(staged)}"
    )


def _last(field: str) -> str:
    return f"arg_max({field}, (file, place)) FILTER ({field} IS NOT NULL) AS {field}"


_ATTRIBUTES: Final = """
SELECT item_id, arg_max(attributes, file) AS attributes
FROM (SELECT item_id, file, CASE WHEN count(*) = 1 THEN any_value(attributes)
             ELSE list_sort(list_distinct(flatten(list(attributes)))) END AS attributes
      FROM said WHERE attributes IS NOT NULL GROUP BY item_id, file)
GROUP BY item_id
"""
"""Tokens gathered from all rows of the newest file that has any: some exports give one a row."""


_TITLES: Final = """
SELECT item_id, arg_max(title, (file, n, place)) AS title
FROM (SELECT item_id, file, title, count(*) AS n, max(place) AS place
      FROM said WHERE title IS NOT NULL GROUP BY ALL)
GROUP BY item_id
"""
_RESOLVED: Final = f"""
SELECT {", ".join(PRODUCTS_SCHEMA.names)}
FROM (SELECT item_id, {", ".join(_last(field) for field in _FIELDS if field not in _GATHERED)}
      FROM said GROUP BY item_id)
LEFT JOIN ({_TITLES}) USING (item_id)
LEFT JOIN ({_ATTRIBUTES}) USING (item_id)
"""
_CHANGED: Final = f"""
SELECT count(*) FROM resolved LEFT JOIN (FROM said WHERE file = 0) AS known USING (item_id)
WHERE known.file IS NULL
   OR {" OR ".join(f"known.{field} IS DISTINCT FROM resolved.{field}" for field in _FIELDS)}
"""


def _number(connection: duckdb.DuckDBPyConnection, query: str) -> int:
    found = connection.execute(query).fetchone()
    return int(found[0]) if found else 0


def _conflicts(connection: duckdb.DuckDBPyConnection) -> tuple[int, tuple[Conflict, ...]]:
    """How many contradictions there are, and the first of them."""
    connection.execute(
        "CREATE TEMP TABLE contradicted AS "
        + " UNION ALL ".join(_contradictions(field) for field in _COMPARED)
    )
    rows = connection.execute(
        f"SELECT item_id, field, kept, dropped FROM contradicted ORDER BY item_id, field "
        f"LIMIT {MOST_CONFLICTS_LISTED}"
    ).fetchall()
    listed = tuple(
        Conflict(item, field, kept, tuple(dropped)) for item, field, kept, dropped in rows
    )
    return _number(connection, "SELECT count(*) FROM contradicted"), listed


def _contradictions(field: str) -> str:
    """SQL for the products to which one file gives several values of `field`."""
    return f"""
        SELECT item_id, '{field}' AS field, resolved.{field}::VARCHAR AS kept,
               list_sort(list_filter(list_distinct(flatten(list(several))),
                                     lambda value: value <> resolved.{field}::VARCHAR)) AS dropped
        FROM (SELECT item_id, file, list(DISTINCT {field}::VARCHAR) AS several
              FROM said WHERE file > 0 AND {field} IS NOT NULL
              GROUP BY item_id, file HAVING count(DISTINCT {field}) > 1)
        JOIN resolved USING (item_id)
        GROUP BY item_id, resolved.{field}"""
