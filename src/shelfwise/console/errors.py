"""What a page says instead of an answer, in the reader's language."""

from __future__ import annotations

from typing import Final, Literal

from shelfwise.core.errors import ShelfwiseError

ErrorKey = Literal["no_page", "no_product", "no_shopper", "no_report", "too_long", "not_ready"]

STATUS: Final[dict[ErrorKey, int]] = {
    "no_page": 404,
    "no_product": 404,
    "no_shopper": 404,
    "no_report": 404,
    "too_long": 414,
    "not_ready": 503,
}


class PageError(Exception):
    """A page cannot be shown; `value` is what was asked for."""

    def __init__(self, key: ErrorKey, value: str = "") -> None:
        super().__init__(key)
        self.key: ErrorKey = key
        self.value = value


def page_error(error: ShelfwiseError | PageError) -> PageError:
    """The page's error; what a lower room could not do is told in its own words."""
    return error if isinstance(error, PageError) else PageError("not_ready", str(error))
