"""A product's text as weighted tokens: words, and whole values of brand, category and attributes.

Whole values carry a prefix ("brand=acme"), so that a brand called Red is not the colour red.
Chinese, Japanese and Korean script is cut into pairs of characters: no dictionary is needed, and a
pair is as telling as a word.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator
from itertools import accumulate

import pyarrow as pa

from shelfwise.core.columns import CATEGORY_SEPARATOR
from shelfwise.core.event import Product
from shelfwise.core.settings import Settings

BRAND, LEAF, CATEGORY, ATTRIBUTE = "brand=", "leaf=", "category=", "attribute="
PRICE = "price="
_CJK = "\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff"
_RUN = re.compile(rf"[{_CJK}]+|[^\W_{_CJK}]+")
_CJK_RUN = re.compile(rf"[{_CJK}]+")
_DESCRIPTION_WORDS = 300
_PRICE_STEPS = 2
"""Price buckets to a doubling: each is some 41 % above the one below."""


class FieldWeights(Settings):
    """How much a token of each field counts."""

    title: float = 1.0
    """Each word of the title."""
    description: float = 0.3
    """Each word of the description's first 300."""
    brand: float = 1.0
    """The brand as a whole."""
    category: float = 0.7
    """Each level of the category path; the full path counts once more."""
    attributes: float = 1.0
    """Each attribute as a whole."""
    price: float = 0.0
    """The bucket that the price is in, two to a doubling: the same whatever else is sold."""


def words(text: str) -> list[str]:
    """Lower-case words and numbers; pairs of neighbouring characters for CJK script.

    >>> words("T-Light HOLDER 2'er 玻璃杯")
    ['t', 'light', 'holder', '2', 'er', '玻璃', '璃杯']
    """
    return [part for run in _RUN.findall(text.lower()) for part in _parts(run)]


def _parts(run: str) -> list[str]:
    if len(run) == 1 or not _CJK_RUN.match(run):
        return [run]
    return [run[at : at + 2] for at in range(len(run) - 1)]


def tokens(product: Product, weights: FieldWeights) -> dict[str, float]:
    """The product's tokens, each with the sum of its weights; empty without any text.

    >>> tokens(Product("p1", title="Red mug", brand="Acme", category="Home > Mugs"), FieldWeights())
    ... # doctest: +NORMALIZE_WHITESPACE
    {'red': 1.0, 'mug': 1.0, 'brand=acme': 1.0, 'leaf=home > mugs': 0.7,
     'category=home': 0.7, 'category=home > mugs': 0.7}
    """
    found: Counter[str] = Counter()
    for token, weight in _weighted(product, weights):
        found[token] += weight  # type: ignore[assignment] # a Counter of fractions
    return {token: float(weight) for token, weight in found.items() if weight > 0}


def _weighted(product: Product, weights: FieldWeights) -> Iterator[tuple[str, float]]:
    for word in words(product.title or ""):
        yield word, weights.title
    for word in words(product.description or "")[:_DESCRIPTION_WORDS]:
        yield word, weights.description
    if product.brand:
        yield BRAND + product.brand.strip().lower(), weights.brand
    if product.category:
        levels = product.category.strip().lower().split(CATEGORY_SEPARATOR)
        yield LEAF + CATEGORY_SEPARATOR.join(levels), weights.category
        for path in accumulate(levels, lambda above, level: above + CATEGORY_SEPARATOR + level):
            yield CATEGORY + path, weights.category
    for attribute in product.attributes:
        yield ATTRIBUTE + attribute.strip().lower(), weights.attributes
    if product.price is not None and 0 < product.price < math.inf:
        yield PRICE + str(round(_PRICE_STEPS * math.log2(product.price))), weights.price


def described(table: pa.Table) -> Iterator[Product]:
    """The products of a `PRODUCTS_SCHEMA` table with the fields that become tokens."""
    fields = ["item_id", "title", "description", "brand", "category", "attributes", "price"]
    for row in table.select(fields).to_pylist():
        yield Product(**{**row, "attributes": tuple(row["attributes"] or ())})
