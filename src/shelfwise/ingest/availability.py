"""Whether a product can be bought, out of the many ways to say so."""

from __future__ import annotations

import re
from typing import Final

import pyarrow as pa

from shelfwise.ingest.arrays import as_strings, parse_distinct

_WORDS: Final = {
    "in_stock": "instock available yes true y lowstock limitedavailability onlineonly 有货",
    "out_of_stock": "outofstock soldout unavailable no false n discontinued none 缺货",
    "preorder": "preorder presale comingsoon",
    "backorder": "backorder backordered onbackorder",
}
_STATE: Final = {word: state for state, words in _WORDS.items() for word in words.split()}


def clean_availability(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    """`in_stock`, `out_of_stock`, `preorder`, `backorder`, or null where it cannot be told."""
    return pa.array(parse_distinct(as_strings(column), availability_of), pa.string())


def availability_of(text: str) -> str | None:
    """The state one text names; a number is a count of pieces.

    >>> availability_of("https://schema.org/InStock"), availability_of("0"), availability_of("?")
    ('in_stock', 'out_of_stock', None)
    """
    word = re.sub(r"[\W_]", "", text.rsplit("/", 1)[-1].lower())
    if word in _STATE:
        return _STATE[word]
    try:
        return "in_stock" if float(text) > 0 else "out_of_stock"
    except ValueError:
        return None
