"""Several values in one cell: category paths, attribute tokens, lists of ids."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Final

import pyarrow as pa

from shelfwise.core.columns import CATEGORY_SEPARATOR
from shelfwise.ingest.arrays import as_strings, parse_distinct
from shelfwise.ingest.json_rows import decode_object, decode_value
from shelfwise.ingest.text import plain_text

_PATH: Final = re.compile(r"\s*(?:>|\||›|»|::|\\)\s*|\s+/\s+")
_SLASHES: Final = re.compile(r"\s*/\s*")
_TOKENS: Final = re.compile(r"\s*[;|]\s*")
_MOST_TOKENS: Final = 200


def clean_categories(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    """Category paths as `A > B > C`, whatever stood between the levels."""
    return pa.array(parse_distinct(as_strings(column), category_path), pa.string())


def category_path(text: str) -> str | None:
    """One category path, general to special; a repeated level is named once.

    >>> category_path("Toys|Games | Board&amp;Card"), category_path('["Home", "Home", "Rugs"]')
    ('Toys > Games > Board&Card', 'Home > Rugs')
    >>> category_path("electronics/phones"), category_path("Food/Drink > Tea")
    ('electronics > phones', 'Food/Drink > Tea')
    """
    levels = list(_listed(text))
    if len(levels) == 1:
        levels = _PATH.split(levels[0])
    if len(levels) == 1 and "://" not in text:
        levels = _SLASHES.split(levels[0])
    path: list[str] = []
    for level in levels:
        name = plain_text(level).strip(" /")
        if name and (not path or path[-1] != name):
            path.append(name)
    return CATEGORY_SEPARATOR.join(path) or None


def _listed(text: str) -> Iterable[str]:
    """The members of a JSON (or Python) list, the deepest first member of lists in it."""
    if not text.startswith("["):
        return (text,)
    value = decode_value(text.encode())
    while isinstance(value, list) and value and isinstance(value[0], list):
        value = max(value, key=len)
    if isinstance(value, list):
        return tuple(str(member) for member in value if member is not None)
    return (text,)


def clean_attributes(columns: list[tuple[str | None, pa.ChunkedArray]]) -> pa.Array:
    """Attribute tokens out of one or several columns.

    A column with a label gives tokens `label=value`, one without (None) holds objects or tokens.
    """
    rows: list[list[str]] = [[] for _ in range(len(columns[0][1]))]
    for label, column in columns:
        parse = attribute_tokens if label is None else _named(label)
        for row, tokens in zip(rows, parse_distinct(as_strings(column), parse), strict=True):
            row.extend(tokens or ())
    found = [list(dict.fromkeys(row))[:_MOST_TOKENS] or None for row in rows]
    return pa.array(found, pa.list_(pa.string()))


def _named(name: str) -> Callable[[str], list[str]]:
    def tokens(text: str) -> list[str]:
        return [f"{name}={value}" for part in _listed(text) if (value := plain_text(part))]

    return tokens


def attribute_tokens(text: str) -> list[str]:
    """Tokens of one cell: an object gives `name=value`, a list or a `;` sequence its members.

    >>> attribute_tokens('{"color": ["red", "blue"], "size": 5}'), attribute_tokens("a1; a2;")
    (['color=red', 'color=blue', 'size=5'], ['a1', 'a2'])
    """
    if text.startswith("{") and (named := decode_object(text.encode())) is not None:
        return [
            f"{plain_text(str(name)).strip(' :')}={plain_text(str(value))}"
            for name, values in named.items()
            for value in (values if isinstance(values, list) else [values])
            if value is not None and value != ""
        ]
    parts = _listed(text) if text.startswith("[") else _TOKENS.split(text)
    return [token for part in parts if (token := plain_text(part))]


def clean_id_lists(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    """Lists of item ids out of JSON lists or of ids joined by `;`, `|`, `,` or spaces."""
    return pa.array(parse_distinct(as_strings(column), id_list), pa.list_(pa.string()))


def id_list(text: str) -> list[str] | None:
    """The ids in one cell.

    >>> id_list("[6285, 194]"), id_list("B01 B02"), id_list("B01;B02"), id_list("[]")
    (['6285', '194'], ['B01', 'B02'], ['B01', 'B02'], None)
    """
    parts = _listed(text) if text.startswith("[") else re.split(r"[;|,\s]+", text)
    return [part.strip() for part in parts if part.strip()] or None


def first_listed(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    """Of each cell the first member where it holds a list, else the text itself."""

    def first(text: str) -> str | None:
        return next(iter(_listed(text)), None) or None

    return pa.array(parse_distinct(as_strings(column), first), pa.string())


def joined(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    """Texts, where a cell that holds a list of paragraphs becomes one text."""
    values = as_strings(column)
    return pa.array(
        parse_distinct(values, lambda text: " ".join(_listed(text)) or None), pa.string()
    )
