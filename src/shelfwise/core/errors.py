"""Errors a person can act on: each names the thing, the value and the remedy."""

from __future__ import annotations


class ShelfwiseError(Exception):
    """Something could not be done; `message` says what, `remedy` says what to do about it.

    >>> str(ShelfwiseError("Shop 'x' has no trained model.", remedy="Run: shelfwise train x"))
    "Shop 'x' has no trained model. Run: shelfwise train x"
    """

    code = "error"

    def __init__(self, message: str, *, remedy: str, field: str | None = None) -> None:
        super().__init__(f"{message} {remedy}".strip())
        self.message = message
        self.remedy = remedy
        self.field = field


class BadInputError(ShelfwiseError):
    """A file, row or argument is not usable as it is."""

    code = "bad_input"


class UnknownFormatError(BadInputError):
    """No connector understands this file or this format name."""

    code = "unknown_format"


class ConfigError(ShelfwiseError):
    """A setting is misspelt, out of range or contradicts another."""

    code = "bad_config"


class MissingExtraError(ShelfwiseError):
    """What was asked needs an optional library that is not installed."""

    code = "missing_extra"


class ShopNotFoundError(ShelfwiseError):
    """The folder is not a shop."""

    code = "shop_not_found"


class NotTrainedError(ShelfwiseError):
    """The shop has no model version to answer with."""

    code = "not_trained"


class NotEnoughDataError(ShelfwiseError):
    """The data are too few for what was asked."""

    code = "not_enough_data"


class StorageError(ShelfwiseError):
    """The disk refused, or a stored file is damaged; nothing already stored was lost."""

    code = "storage"


class OverloadError(ShelfwiseError):
    """More was asked than can be answered now; try again later."""

    code = "overloaded"
