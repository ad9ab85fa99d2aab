"""What the catalogue says of each product, as arrays by item code.

Statistics (price quantiles of each category, mean and spread of prices) are taken once, from the
products a shop is trained on; a product that is added later is measured by them.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from shelfwise.core.columns import CATEGORY_SEPARATOR
from shelfwise.core.dataset import Events
from shelfwise.core.event import Product
from shelfwise.core.model import ModelState
from shelfwise.core.rows import products_to_table
from shelfwise.core.vocabulary import UNKNOWN, Vocabulary
from shelfwise.features.vectors import HASH_DIMS

MIN_PRICED = 5
"""A category with fewer priced products borrows the prices of the category above it."""


@dataclass(frozen=True)
class PriceLevels:
    """Sorted log prices of each category, and of the whole catalogue last."""

    indptr: NDArray[np.int64]
    values: NDArray[np.float32]
    mean: float
    """Of log prices over the catalogue; NaN without a price."""
    spread: float
    """Their standard deviation; NaN without a price, 1 where all prices are equal."""


@dataclass(frozen=True)
class Catalogue:
    """Attributes of each product; NaN or -1 where unknown."""

    brands: Vocabulary
    categories: Vocabulary
    """Every category path and every path above one: `A`, `A > B`, `A > B > C`."""
    parent: NDArray[np.int32]
    """Per category code, the category above; -1 at the top."""
    levels: PriceLevels
    brand: NDArray[np.int32]
    leaf: NDArray[np.int32]
    """Category code of the whole path."""
    top: NDArray[np.int32]
    """Category code of its first step."""
    log_price: NDArray[np.float32]
    price_place: NDArray[np.float32]
    """Share of the category's products that are cheaper (half of those that cost the same)."""
    available: NDArray[np.float32]
    """1 where it can be bought, 0 where not."""
    has_description: NDArray[np.float32]
    title_words: NDArray[np.float32]
    """How many words the title has."""
    category_hash: NDArray[np.float32]
    """[n_items, HASH_DIMS] signed hash of the path and those above it, length 1 (0: unknown)."""

    def __len__(self) -> int:
        return len(self.brand)

    @property
    def price_z(self) -> NDArray[np.float32]:
        """Log prices in standard deviations from the mean of the catalogue trained on."""
        out: NDArray[np.float32] = (self.log_price - self.levels.mean) / self.levels.spread
        return out.astype(np.float32)

    @classmethod
    def of(cls, products: pa.Table, events: Events | None = None) -> Catalogue:
        """The catalogue of a products table; a missing price is the median paid in `events`.

        >>> from shelfwise.core.rows import products_to_table
        >>> rows = [Product("a", category="Home > Tea", brand="Pure"), Product("b")]
        >>> c = Catalogue.of(products_to_table(rows))
        >>> c.categories.ids[c.leaf[0]], c.categories.ids[c.top[0]], c.brand.tolist()
        ('Home > Tea', 'Home', [0, -1])
        """
        prices = _prices(products)
        if events is not None:
            paid = _median_paid(events, len(products))
            prices = np.where(np.isfinite(prices), prices, paid)
        brands = Vocabulary.of(_distinct(products.column("brand")))
        categories, parent = _extended(Vocabulary.of(()), _distinct(products.column("category")))
        leaf = categories.encode(products.column("category"))
        levels = _price_levels(leaf, parent, np.log(prices))
        return _rows(products, prices, brands, categories, parent, levels)

    def with_products(self, products: Sequence[Product]) -> Catalogue:
        """The same catalogue with `products` after the others, measured by its statistics."""
        table = products_to_table(products)
        new = [name for name in _distinct(table.column("brand")) if name not in self.brands.code]
        brands = Vocabulary.of((*self.brands.ids, *new)) if new else self.brands
        categories, parent = _extended(
            self.categories, _distinct(table.column("category")), self.parent
        )
        added = _rows(table, _prices(table), brands, categories, parent, self.levels)
        columns: dict[str, Any] = {
            name: np.concatenate([getattr(self, name), getattr(added, name)])
            for name in _ROW_COLUMNS
        }
        return replace(self, brands=brands, categories=categories, parent=parent, **columns)

    def state(self) -> ModelState:
        """The catalogue as plain data."""
        settings = {
            "brands": list(self.brands.ids),
            "categories": list(self.categories.ids),
        }
        arrays = {name: getattr(self, name) for name in (*_ROW_COLUMNS, "parent")}
        levels = {
            "price_indptr": self.levels.indptr,
            "price_values": self.levels.values,
            "price_stats": np.array([self.levels.mean, self.levels.spread]),
        }
        return ModelState(settings, arrays | levels)

    @classmethod
    def from_state(cls, state: ModelState) -> Catalogue:
        """The catalogue that `state` was taken from."""
        settings, arrays = state.settings, state.arrays
        return cls(
            brands=Vocabulary.of(settings["brands"]),
            categories=Vocabulary.of(settings["categories"]),
            levels=PriceLevels(
                arrays["price_indptr"], arrays["price_values"], *arrays["price_stats"].tolist()
            ),
            **{name: arrays[name] for name in (*_ROW_COLUMNS, "parent")},
        )


_ROW_COLUMNS = tuple(
    f.name for f in fields(Catalogue) if f.name not in {"brands", "categories", "parent", "levels"}
)


def category_steps(path: str) -> list[str]:
    """The path and those above it, general first.

    >>> category_steps("A > B > C")
    ['A', 'A > B', 'A > B > C']
    """
    parts = path.split(CATEGORY_SEPARATOR)
    return [CATEGORY_SEPARATOR.join(parts[: depth + 1]) for depth in range(len(parts))]


def _rows(
    products: pa.Table,
    prices: NDArray[np.float64],
    brands: Vocabulary,
    categories: Vocabulary,
    parent: NDArray[np.int32],
    levels: PriceLevels,
) -> Catalogue:
    leaf = categories.encode(products.column("category"))
    log_price = np.log(prices).astype(np.float32)
    hashed = np.vstack([_hashed(categories), np.zeros((1, HASH_DIMS), np.float32)])
    return Catalogue(
        brands=brands,
        categories=categories,
        parent=parent,
        levels=levels,
        brand=brands.encode(products.column("brand")),
        leaf=leaf,
        top=_tops(parent)[leaf],
        log_price=log_price,
        price_place=_places(log_price, _priced_node(parent, levels)[leaf], levels),
        available=_available(products.column("availability")),
        has_description=_floats(pc.is_valid(products.column("description"))),
        title_words=_floats(pc.count_substring_regex(products.column("title"), r"\S+")),
        category_hash=hashed[leaf],
    )


def _distinct(column: pa.ChunkedArray) -> list[str]:
    return [name for name in pc.unique(column).to_pylist() if name is not None]


def _floats(column: pa.ChunkedArray) -> NDArray[np.float32]:
    values = pc.cast(column, pa.float32()).to_numpy(zero_copy_only=False)
    return np.asarray(values, np.float32)


def _available(column: pa.ChunkedArray) -> NDArray[np.float32]:
    return _floats(pc.not_equal(column, "out_of_stock"))


def _prices(products: pa.Table) -> NDArray[np.float64]:
    """Prices, NaN where unknown or not above zero."""
    prices = products.column("price").to_numpy(zero_copy_only=False).astype(np.float64)
    return np.where(prices > 0, prices, np.nan)


def _median_paid(events: Events, n_items: int) -> NDArray[np.float64]:
    known = events.price > 0
    item, price = events.item[known], events.price[known].astype(np.float64)
    order = np.lexsort((price, item))
    count = np.bincount(item, minlength=n_items)
    start = np.cumsum(count) - count
    out = np.full(n_items, np.nan)
    some = count > 0
    out[some] = price[order][(start + (count - 1) // 2)[some]]
    return out


def _extended(
    categories: Vocabulary, paths: Sequence[str], parent: NDArray[np.int32] | None = None
) -> tuple[Vocabulary, NDArray[np.int32]]:
    """The categories with `paths` and those above them after the others, and each one's parent."""
    above = [] if parent is None else parent.tolist()
    code = dict(categories.code)
    for path in paths:
        last = UNKNOWN
        for step in category_steps(path):
            if step not in code:
                code[step] = len(code)
                above.append(last)
            last = code[step]
    return Vocabulary.of(code), np.asarray(above, np.int32)


def _tops(parent: NDArray[np.int32]) -> NDArray[np.int32]:
    """Per category its topmost one; -1 last, for the unknown category."""
    out = np.append(np.arange(len(parent), dtype=np.int32), np.int32(UNKNOWN))
    for code, above in enumerate(parent):  # a parent's code is below its children's
        if above >= 0:
            out[code] = out[above]
    return out


def _hashed(categories: Vocabulary) -> NDArray[np.float32]:
    out = np.zeros((len(categories), HASH_DIMS), np.float32)
    for code, path in enumerate(categories.ids):
        for step in category_steps(path):
            digest = zlib.crc32(step.encode())
            out[code, digest % HASH_DIMS] += 1.0 if digest & 0x8000 else -1.0
    length = np.linalg.norm(out, axis=1, keepdims=True)
    np.divide(out, length, out=out, where=length > 0)
    return out


def _price_levels(
    leaf: NDArray[np.int32], parent: NDArray[np.int32], log_price: NDArray[np.float64]
) -> PriceLevels:
    known = np.isfinite(log_price)
    prices, root = log_price[known].astype(np.float32), len(parent)
    nodes, values = [np.full(len(prices), root)], [prices]
    node = leaf[known].astype(np.int64)
    while (node >= 0).any():
        nodes.append(node[node >= 0])
        values.append(prices[node >= 0])
        prices, node = prices[node >= 0], parent[node[node >= 0]].astype(np.int64)
    flat_nodes, flat_values = np.concatenate(nodes), np.concatenate(values)
    indptr = np.zeros(root + 2, np.int64)
    np.cumsum(np.bincount(flat_nodes, minlength=root + 1), out=indptr[1:])
    order = np.lexsort((flat_values, flat_nodes))
    whole = values[0].astype(np.float64)
    return PriceLevels(
        indptr,
        flat_values[order],
        mean=float(whole.mean()) if len(whole) else float("nan"),
        spread=float(whole.std()) or 1.0 if len(whole) else float("nan"),
    )


def _priced_node(parent: NDArray[np.int32], levels: PriceLevels) -> NDArray[np.int64]:
    """Per category, the row of `levels` to measure its prices by; -1 (unknown) reads the last."""
    whole = len(levels.indptr) - 2
    enough = np.diff(levels.indptr)[:whole] >= MIN_PRICED
    out = np.full(len(parent) + 1, whole, np.int64)
    for code, above in enumerate(parent):
        if code < whole and enough[code]:
            out[code] = code
        elif above >= 0:
            out[code] = out[above]
    return out


def _places(
    log_price: NDArray[np.float32], node: NDArray[np.int64], levels: PriceLevels
) -> NDArray[np.float32]:
    out = np.full(len(log_price), np.nan, np.float32)
    priced = np.flatnonzero(np.isfinite(log_price) & (np.diff(levels.indptr)[node] > 0))
    if len(priced) == 0:
        return out
    low, high = float(levels.values.min()) - 1.0, float(levels.values.max()) + 1.0
    width = high - low
    row = np.repeat(np.arange(len(levels.indptr) - 1), np.diff(levels.indptr))
    ranked = row * width + (levels.values.astype(np.float64) - low)  # ascends: rows lie apart
    asked = node[priced] * width + (np.clip(log_price[priced].astype(np.float64), low, high) - low)
    below, not_above = (np.searchsorted(ranked, asked, side=side) for side in ("left", "right"))
    start, stop = levels.indptr[node[priced]], levels.indptr[node[priced] + 1]
    middle = (below.clip(start, stop) + not_above.clip(start, stop)) / 2
    out[priced] = (middle - start) / (stop - start)
    return out
