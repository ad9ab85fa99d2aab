"""The request's filter: a typed JSON expression over product fields, as a mask over the shelf.

    {"and": [{"eq": ["brand", "Acme"]}, {"lt": ["price", 50]}, {"in": ["category", ["Toys"]]}]}

Operators: and, or, not; eq, ne, in; gt, gte, lt, lte; exists. A `category` matches its own path and
every path or single level above it. `attributes` matches one token; `attributes.colour` compares
the value of a token `colour=red`. A comparison with an unknown value is false, and so is its `ne`.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from shelfwise.core.columns import CATEGORY_SEPARATOR
from shelfwise.core.errors import BadInputError
from shelfwise.rerank.shelf import TEXT_FIELDS, Shelf

Mask = NDArray[np.bool_]
_MAX_DEPTH: Final = 16
_ORDER: Final[dict[str, Callable[[Any, Any], Any]]] = {
    "gt": operator.gt,
    "gte": operator.ge,
    "lt": operator.lt,
    "lte": operator.le,
}
OPERATORS: Final = ("and", "or", "not", "eq", "ne", "in", "exists", *_ORDER)


def filter_mask(shelf: Shelf, expression: Any) -> Mask:
    """[n_items]: true where the product satisfies `expression`.

    Raises `BadInputError` naming the operator or field at fault.

    >>> import pyarrow as pa
    >>> from shelfwise.core.columns import PRODUCTS_SCHEMA
    >>> rows = [{"item_id": "a", "price": 3.0}, {"item_id": "b", "price": 9.0}, {"item_id": "c"}]
    >>> shelf = Shelf.of(pa.Table.from_pylist(rows, schema=PRODUCTS_SCHEMA))
    >>> filter_mask(shelf, {"not": {"lt": ["price", 5]}}).tolist()
    [False, True, True]
    """
    return _mask(shelf, expression, 0)


def _mask(shelf: Shelf, expression: Any, depth: int) -> Mask:
    if depth > _MAX_DEPTH:
        raise _bad(f"The filter is nested more than {_MAX_DEPTH} deep.", "Flatten it.")
    if not isinstance(expression, dict) or len(expression) != 1:
        raise _bad(
            f"A filter must be an object with one operator, not {_short(expression)}.",
            'For example {"eq": ["brand", "Acme"]}.',
        )
    ((name, operand),) = expression.items()
    if name in {"and", "or"}:
        parts = [_mask(shelf, part, depth + 1) for part in _parts(name, operand)]
        return np.asarray(
            np.logical_and.reduce(parts) if name == "and" else np.logical_or.reduce(parts)
        )
    if name == "not":
        return ~_mask(shelf, operand, depth + 1)
    if name == "exists":
        return _exists(shelf, operand)
    return _compare(shelf, name, operand)


def _parts(name: str, operand: Any) -> list[Any]:
    if not isinstance(operand, list) or not operand:
        raise _bad(
            f"'{name}' needs a list of filters, not {_short(operand)}.",
            f'For example {{"{name}": [{{"exists": "price"}}]}}.',
        )
    return operand


def _compare(shelf: Shelf, name: str, operand: Any) -> Mask:
    if name not in OPERATORS:
        raise _bad(f"Unknown filter operator '{name}'.", f"Use one of: {', '.join(OPERATORS)}.")
    if not isinstance(operand, list) or len(operand) != 2 or not isinstance(operand[0], str):
        raise _bad(
            f"'{name}' needs [field, value], not {_short(operand)}.",
            f'For example {{"{name}": ["brand", "Acme"]}}.',
        )
    field, value = operand
    if name == "in":
        return _in(shelf, field, value)
    if name == "eq":
        return _equals(shelf, field, value)
    if name == "ne":
        return _exists(shelf, field) & ~_equals(shelf, field, value)
    return _ordered(shelf, name, field, value)


def _in(shelf: Shelf, field: str, values: Any) -> Mask:
    if not isinstance(values, list):
        raise _bad(
            f"'in' needs a list of values for '{field}', not {_short(values)}.",
            f'For example {{"in": ["{field}", ["A", "B"]]}}.',
        )
    out = np.zeros(len(shelf), np.bool_)
    for value in values:
        out |= _equals(shelf, field, value)
    return out


def _equals(shelf: Shelf, field: str, value: Any) -> Mask:
    if field == "price":
        return np.asarray(shelf.price == _number(field, value))
    wanted = _text(field, value)
    if field == "attributes":
        return _per_item(shelf, lambda tokens: wanted in tokens)
    if field.startswith("attributes."):
        token = f"{field.removeprefix('attributes.')}={wanted}"
        return _per_item(shelf, lambda tokens: token in tokens)
    column = shelf.text[_known(field)]
    if field != "category":
        return np.asarray(column.code == column.position.get(wanted, -2))
    return _of_values(column.code, [_under(path, wanted) for path in column.values])


def _ordered(shelf: Shelf, name: str, field: str, value: Any) -> Mask:
    compare = _ORDER[name]
    if field == "price":
        return np.asarray(compare(shelf.price, _number(field, value)))
    if field.startswith("attributes."):
        prefix, limit = f"{field.removeprefix('attributes.')}=", _number(field, value)
        return _per_item(shelf, lambda tokens: _any_number(tokens, prefix, limit, compare))
    if field in TEXT_FIELDS:
        raise _bad(f"'{name}' cannot compare '{field}', which is text.", "Use eq, ne or in.", field)
    raise _unknown(field)


def _exists(shelf: Shelf, field: Any) -> Mask:
    if not isinstance(field, str):
        raise _bad(
            f"'exists' needs a field name, not {_short(field)}.", 'For example {"exists": "price"}.'
        )
    if field == "price":
        return ~np.isnan(shelf.price)
    if field == "attributes":
        return _per_item(shelf, bool)
    if field.startswith("attributes."):
        prefix = f"{field.removeprefix('attributes.')}="
        return _per_item(shelf, lambda tokens: any(token.startswith(prefix) for token in tokens))
    return np.asarray(shelf.text[_known(field)].code >= 0)


def _under(path: str, wanted: str) -> bool:
    """Whether `wanted` is the path, a path above it, or the name of one of its levels."""
    levels = path.split(CATEGORY_SEPARATOR)
    return wanted in levels or any(
        CATEGORY_SEPARATOR.join(levels[: n + 1]) == wanted for n in range(len(levels))
    )


def _any_number(
    tokens: frozenset[str], prefix: str, limit: float, compare: Callable[[Any, Any], Any]
) -> bool:
    for token in tokens:
        if token.startswith(prefix):
            try:
                number = float(token[len(prefix) :])
            except ValueError:
                continue
            if compare(number, limit):
                return True
    return False


def _per_item(shelf: Shelf, test: Callable[[frozenset[str]], Any]) -> Mask:
    return np.fromiter((bool(test(tokens)) for tokens in shelf.attributes), np.bool_, len(shelf))


def _of_values(code: NDArray[np.int32], matches: list[bool]) -> Mask:
    return np.asarray([*matches, False], np.bool_)[code]


def _known(field: str) -> str:
    if field not in TEXT_FIELDS:
        raise _unknown(field)
    return field


def _unknown(field: str) -> BadInputError:
    fields = ", ".join((*TEXT_FIELDS, "price", "attributes", "attributes.NAME"))
    return _bad(f"Products have no field '{field}'.", f"Use one of: {fields}.", field)


def _number(field: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _bad(
            f"'{field}' is compared with a number, not {_short(value)}.", "Give a number.", field
        )
    return float(value)


def _text(field: str, value: Any) -> str:
    if isinstance(value, bool | dict | list) or value is None:
        raise _bad(
            f"'{field}' is compared with text, not {_short(value)}.", "Give a string.", field
        )
    return str(value)


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _bad(message: str, remedy: str, field: str | None = None) -> BadInputError:
    return BadInputError(message, remedy=remedy, field=f"filter.{field}" if field else "filter")
