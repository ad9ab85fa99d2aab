"""What the sale of each product brings: its price and its margin, in the shop's money.

A margin is an attribute of the product: `margin=4.50` (money of one unit), `margin=30%` (share of
the price), or `cost=12` (what the shop pays, so the margin is the price less it). All prices are
taken to be in one currency.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from shelfwise.core.event import Product

_TOKEN: Final = re.compile(r"(margin|cost)=\s*(-?\d+(?:[.,]\d+)?)\s*(%?)\s*", re.IGNORECASE)


@dataclass(frozen=True)
class Worth:
    """By item code; NaN where the shop does not say."""

    price: NDArray[np.float64]
    margin: NDArray[np.float64]
    """Of one unit; may be below 0."""

    @classmethod
    def of(cls, products: pa.Table) -> Worth:
        """What `products` (`PRODUCTS_SCHEMA`, row = item code) say."""
        price = products.column("price").fill_null(np.nan).to_numpy(zero_copy_only=False)
        price = price.astype(np.float64)
        margin = np.full(len(price), np.nan)
        lists = products.column("attributes").combine_chunks()
        said = pc.fill_null(
            pc.match_substring_regex(lists.flatten(), "^(margin|cost)=", ignore_case=True), False
        )
        rows = lists.value_parent_indices().filter(said).to_pylist()
        for row, token in zip(rows, lists.flatten().filter(said).to_pylist(), strict=True):
            found = margin_of(price[row], [token])
            margin[row] = margin[row] if found is None else found
        return cls(price, margin)

    def with_product(self, row: int, product: Product) -> Worth:
        """The same with `product` as row `row`, which may be the next one after the last."""
        price = np.nan if product.price is None else product.price
        margin = margin_of(price, product.attributes)
        return Worth(
            _with(self.price, row, price),
            _with(self.margin, row, np.nan if margin is None else margin),
        )


def margin_of(price: float, attributes: Iterable[str]) -> float | None:
    """The margin that the last telling attribute gives; None: none does.

    >>> margin_of(20.0, ["colour=red", "cost=12.5"]), margin_of(20.0, ["margin=30%"])
    (7.5, 6.0)
    """
    margin = None
    for token in attributes:
        found = _TOKEN.fullmatch(token)
        if found is None:
            continue
        amount = float(found[2].replace(",", "."))
        amount = amount * price / 100 if found[3] else amount
        margin = price - amount if found[1].lower() == "cost" else amount
    return None if margin is None or np.isnan(margin) else float(margin)


def _with(column: NDArray[np.float64], row: int, value: float) -> NDArray[np.float64]:
    changed = np.append(column, np.nan) if row == len(column) else column.copy()
    changed[row] = value
    return changed
