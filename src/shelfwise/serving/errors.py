"""What the API says when it refuses: one shape for every error, with the right status."""

from __future__ import annotations

import re
from typing import Final

import msgspec

from shelfwise.core.errors import BadInputError, ShelfwiseError
from shelfwise.serving.reply import Reply

_FIELD: Final = re.compile(r" - at `\$\.?(.*)`$", re.DOTALL)
_UNKNOWN_FIELD: Final = re.compile(r"unknown field `(.*)`", re.DOTALL)
_MISSING_FIELD: Final = re.compile(r"missing required field `(.*)`", re.DOTALL)


class MalformedError(ShelfwiseError):
    """The body is not JSON."""

    code = "malformed_json"


class NotFoundError(ShelfwiseError):
    """There is no such route, product or user."""

    code = "not_found"


class MethodError(ShelfwiseError):
    """The route knows no such method."""

    code = "method_not_allowed"

    def __init__(self, method: str, allowed: str) -> None:
        super().__init__(f"{method} is not allowed here.", remedy=f"Use {allowed}.")
        self.allowed = allowed


class TooLargeError(ShelfwiseError):
    """The body is longer than is read."""

    code = "too_large"


class MediaTypeError(ShelfwiseError):
    """The body is not sent as JSON."""

    code = "unsupported_media_type"


class NotReadyError(ShelfwiseError):
    """The server runs, but cannot answer yet."""

    code = "not_ready"


STATUS: Final[dict[str, int]] = {
    "malformed_json": 400,
    "not_found": 404,
    "method_not_allowed": 405,
    "too_large": 413,
    "unsupported_media_type": 415,
    "bad_input": 422,
    "error": 500,
    "overloaded": 503,
    "storage": 503,
    "not_trained": 503,
    "not_ready": 503,
}
"""The HTTP status of each error code."""

RETRY_SECONDS: Final = {"overloaded": 1, "storage": 5, "not_ready": 5, "not_trained": 60}
"""When to try again, for errors that pass."""


class ErrorDetail(msgspec.Struct, omit_defaults=True):
    """What went wrong and what to do about it."""

    code: str
    message: str
    remedy: str
    field: str | None = None


class ErrorAnswer(msgspec.Struct):
    """The body of every answer that is not a success."""

    error: ErrorDetail


def error_reply(error: ShelfwiseError) -> Reply:
    """The answer that tells about the error."""
    headers = {}
    if error.code in RETRY_SECONDS:
        headers["retry-after"] = str(RETRY_SECONDS[error.code])
    if isinstance(error, MethodError):
        headers["allow"] = error.allowed
    if isinstance(error, TooLargeError):
        headers["connection"] = "close"
    detail = ErrorDetail(error.code, error.message, error.remedy, error.field)
    return Reply.json(ErrorAnswer(detail), STATUS.get(error.code, 500), headers)


def internal_error() -> Reply:
    """The answer when a bug of ours struck; the log has the details, the answer none."""
    detail = ErrorDetail(
        "internal", "The server met an error of its own.", "Try again; tell the shop's operator."
    )
    return Reply.json(ErrorAnswer(detail), 500)


def invalid(error: msgspec.ValidationError, inside: str = "") -> BadInputError:
    """The validation error in our words, naming the field.

    >>> class Body(msgspec.Struct): n: int
    >>> try: _ = msgspec.json.decode(b'{"n": "many"}', type=Body)
    ... except msgspec.ValidationError as error: found = invalid(error)
    >>> found.field, found.message
    ('n', "'n': Expected `int`, got `str`.")
    """
    text = str(error)
    at = _FIELD.search(text)
    field = at[1] if at else ""
    text = text[: at.start()] if at else text
    for pattern in (_UNKNOWN_FIELD, _MISSING_FIELD):
        if found := pattern.search(text):
            field = f"{field}.{found[1]}" if field else found[1]
    field = f"{inside}.{field}" if inside and field else inside or field
    if "matching regex" in text:
        text = "Must not contain control characters"
    shown = field[:100]
    message = f"'{shown}': {text[:300]}." if shown else f"{text[:300]}."
    remedy = "See /openapi.json for what is expected."
    return BadInputError(message, remedy=remedy, field=shown or None)
