"""Product bodies of PUT and PATCH as our `Product`s."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

import msgspec

from shelfwise.core.errors import BadInputError
from shelfwise.core.event import Product
from shelfwise.ingest.lists import attribute_tokens, category_path
from shelfwise.serving.structs import ProductBody

_LISTS: Final = ("also_bought", "also_viewed")
_MOST_ATTRIBUTES: Final = 1_000


def product_from(body: ProductBody, before: Product) -> Product:
    """`before` with the fields that the body names; a null empties a field.

    >>> before = Product("a", title="Pot", brand="B")
    >>> product_from(ProductBody(price=2.0, brand=None), before).brand
    >>> product_from(ProductBody(attributes={"colour": ["red"], "size": 4}), before).attributes
    ('colour=red', 'size=4')
    """
    if body.item_id not in {msgspec.UNSET, before.item_id}:
        raise BadInputError(
            "'item_id' in the body is not the one in the path.",
            remedy="Leave it out of the body.",
            field="item_id",
        )
    given: dict[str, Any] = {
        name: value
        for name in body.__struct_fields__
        if (value := getattr(body, name)) is not msgspec.UNSET
    }
    for name in _LISTS:
        if name in given:
            given[name] = tuple(given[name] or ())
    if "attributes" in given:
        given["attributes"] = _tokens(given["attributes"])
    if given.get("category"):
        given["category"] = category_path(given["category"])
    return replace(before, **given)


def _tokens(attributes: dict[str, Any] | list[str] | str | None) -> tuple[str, ...]:
    """Attribute tokens, made as ingest makes them."""
    if not attributes:
        return ()
    if isinstance(attributes, str) and attributes.lstrip()[:1] in {"{", "["}:
        raise _bad_attributes("'attributes' is JSON inside a text.")
    text = attributes if isinstance(attributes, str) else msgspec.json.encode(attributes).decode()
    tokens = tuple(dict.fromkeys(attribute_tokens(text)))
    if len(tokens) > _MOST_ATTRIBUTES:
        raise _bad_attributes(f"'attributes' has more than {_MOST_ATTRIBUTES} values.")
    return tokens


def _bad_attributes(message: str) -> BadInputError:
    return BadInputError(
        message,
        remedy='Send an object, for example {"colour": "red", "sizes": ["S", "M"]}.',
        field="attributes",
    )
