"""JSON bodies as structs; whatever is wrong with one becomes an error that says so."""

from __future__ import annotations

from typing import TypeVar

import msgspec

from shelfwise.serving.errors import MalformedError, invalid

T = TypeVar("T")


def decode(decoder: msgspec.json.Decoder[T], body: bytes) -> T:
    """The struct; raises `MalformedError` for what is no JSON, `BadInputError` for a bad field.

    >>> decode(msgspec.json.Decoder(list[int]), b"[1, 2]")
    [1, 2]
    """
    try:
        return decoder.decode(body)
    except msgspec.ValidationError as error:
        raise invalid(error) from None
    except RecursionError:
        raise MalformedError("The body is nested too deeply.", remedy="Flatten it.") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        what = "The body is empty" if not body.strip() else f"The body is not JSON: {error}"
        raise MalformedError(f"{what[:300]}.", remedy="Send a JSON object in UTF-8.") from None
