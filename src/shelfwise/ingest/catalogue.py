"""Products told by event lines: the most frequent title and category, the middle price.

Lines are counted chunk by chunk as (item, title, brand, category, price) groups, so the memory
needed grows with the number of distinct descriptions, not with the number of lines.
"""

from __future__ import annotations

from typing import Final

import duckdb
import pyarrow as pa

from shelfwise.core.columns import PRODUCTS_SCHEMA

_SAID: Final = pa.schema(
    [
        ("item_id", pa.string()),
        ("title", pa.string()),
        ("brand", pa.string()),
        ("category", pa.string()),
        ("price", pa.float64()),
        ("currency", pa.string()),
    ]
)
_FIELDS: Final = tuple(_SAID.names)
_MOST_PARTS: Final = 32


class Catalogue:
    """What lines said about products so far."""

    def __init__(self) -> None:
        self._counted: list[pa.Table] = []

    def add(self, said: pa.Table) -> None:
        """Count the descriptions in `said`: cleaned columns, `item_id` among them."""
        known = said.filter(said.column("item_id").is_valid())
        columns = {
            field.name: known.column(field.name)
            if field.name in known.column_names
            else pa.nulls(known.num_rows, field.type)
            for field in _SAID
        }
        whole = pa.table(columns, schema=_SAID)
        self._counted.append(whole.group_by(list(_FIELDS)).aggregate([([], "count_all")]))
        if len(self._counted) > _MOST_PARTS:
            self._counted = [self._merged()]

    def _merged(self) -> pa.Table:
        together = pa.concat_tables(self._counted)
        merged = together.group_by(list(_FIELDS)).aggregate([("count_all", "sum")])
        return merged.rename_columns([*_FIELDS, "count_all"])

    def products(self) -> pa.Table:
        """One `PRODUCTS_SCHEMA` row for each item, in the order of the ids."""
        if not self._counted:
            return PRODUCTS_SCHEMA.empty_table()
        with duckdb.connect() as connection:
            connection.register("said", self._merged())
            found = connection.sql(_PRODUCTS).to_arrow_table()
        columns = {
            field.name: found.column(field.name).cast(field.type)
            if field.name in found.column_names
            else pa.nulls(found.num_rows, field.type)
            for field in PRODUCTS_SCHEMA
        }
        return pa.table(columns, schema=PRODUCTS_SCHEMA)


def _most_frequent(field: str) -> str:
    """SQL for the value of `field` said most often of an item; ties go to the longer one."""
    return f"""(
        SELECT item_id, arg_max({field}, (n, length({field}), {field})) AS {field}
        FROM (SELECT item_id, {field}, sum(count_all) AS n FROM said
              WHERE {field} IS NOT NULL GROUP BY ALL)
        GROUP BY item_id)"""


_PRODUCTS: Final = f"""
SELECT item_id, title, brand, category, price, currency
FROM (
    SELECT item_id, round(quantile_disc(price, 0.5), 4) AS price
    FROM (SELECT item_id, CASE WHEN price > 0 THEN price END AS price,
                 unnest(range(least(count_all, 1000)))
          FROM said)
    GROUP BY item_id
)
LEFT JOIN {_most_frequent("title")} USING (item_id)
LEFT JOIN {_most_frequent("brand")} USING (item_id)
LEFT JOIN {_most_frequent("category")} USING (item_id)
LEFT JOIN {_most_frequent("currency")} USING (item_id)
ORDER BY item_id
"""
