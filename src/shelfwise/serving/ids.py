"""Ids that come in the path, held to the same rules as those in a body."""

from __future__ import annotations

from typing import Final

import msgspec

from shelfwise.serving.errors import invalid
from shelfwise.serving.structs import Id

_ID: Final[object] = Id


def path_id(given: str, field: str) -> str:
    """The id; raises `BadInputError` when it is empty, too long or has control characters.

    >>> path_id("a/b", "item_id")
    'a/b'
    """
    try:
        return str(msgspec.convert(given, _ID))
    except msgspec.ValidationError as error:
        raise invalid(error, inside=field) from None
