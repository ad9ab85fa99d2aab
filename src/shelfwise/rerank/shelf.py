"""What is on the shelf now: the product fields that filters and stock rules read, by item code.

A shelf never changes: `with_product` and `without` give a new one that shares what did not change,
so an answer in the making keeps the shelf it began with.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, TypeVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from shelfwise.core.event import Product

T = TypeVar("T", bound=np.generic)

TEXT_FIELDS: Final = (
    "item_id",
    "title",
    "description",
    "brand",
    "category",
    "currency",
    "image",
    "availability",
    "group_id",
)
OUT_OF_STOCK: Final = "out_of_stock"


@dataclass(frozen=True)
class TextColumn:
    """A text field as positions in its distinct values; -1: unknown."""

    code: NDArray[np.int32]
    values: tuple[str, ...]
    position: dict[str, int]

    @classmethod
    def of(cls, column: pa.ChunkedArray) -> TextColumn:
        """The column, encoded."""
        encoded = column.combine_chunks().dictionary_encode()
        values = tuple(encoded.dictionary.to_pylist())
        code = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int32)
        return cls(code, values, {value: at for at, value in enumerate(values)})

    def with_value(self, row: int, value: str | None) -> TextColumn:
        """The column with `row` set; `row` may be the next one after the last."""
        values, position, code = self.values, self.position, -1
        if value is not None:
            code = position.get(value, len(values))
            if code == len(values):
                values, position = (*values, value), {**position, value: code}
        return TextColumn(_set(self.code, row, code), values, position)


@dataclass(frozen=True)
class Shelf:
    """Every product the shop has, in the order of item codes."""

    text: dict[str, TextColumn]
    price: NDArray[np.float64]
    """NaN: unknown."""
    attributes: tuple[frozenset[str], ...]
    removed: NDArray[np.bool_]
    """True for a product that was deleted."""

    def __len__(self) -> int:
        return len(self.price)

    @classmethod
    def of(cls, products: pa.Table) -> Shelf:
        """The shelf of a products table (`PRODUCTS_SCHEMA`, row = item code)."""
        price = products.column("price").fill_null(float("nan")).to_numpy(zero_copy_only=False)
        return cls(
            text={name: TextColumn.of(products.column(name)) for name in TEXT_FIELDS},
            price=price.astype(np.float64),
            attributes=tuple(
                frozenset(tokens or ()) for tokens in products.column("attributes").to_pylist()
            ),
            removed=np.zeros(products.num_rows, np.bool_),
        )

    def available(self) -> NDArray[np.bool_]:
        """[n_items]: on the shelf and in stock; a product without a word on stock counts as in."""
        stock = self.text["availability"]
        out = stock.position.get(OUT_OF_STOCK, -2)
        return np.asarray(~self.removed & (stock.code != out))

    def with_product(self, row: int, product: Product) -> Shelf:
        """The shelf with `product` as row `row` (new or changed), no longer removed."""
        text = {
            name: column.with_value(row, getattr(product, name))
            for name, column in self.text.items()
        }
        attributes = list(self.attributes)
        attributes[row : row + 1] = [frozenset(product.attributes)]
        price = np.nan if product.price is None else product.price
        return Shelf(
            text, _set(self.price, row, price), tuple(attributes), _set(self.removed, row, False)
        )

    def without(self, row: int) -> Shelf:
        """The shelf after the product of this row was deleted."""
        return replace(self, removed=_set(self.removed, row, True))


def _set(column: NDArray[T], row: int, value: float) -> NDArray[T]:
    """A copy with one row changed or appended."""
    changed = np.append(column, column[:1]) if row == len(column) else column.copy()
    if row >= len(changed):  # the column was empty
        changed = np.zeros(row + 1, column.dtype)
    changed[row] = value
    return changed
