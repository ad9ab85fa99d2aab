"""Optional libraries: whether one is installed, and what to say where it is not."""

from __future__ import annotations

import importlib.util

from shelfwise.core.errors import MissingExtraError


def installed(library: str) -> bool:
    """Whether `library` can be imported, found out without importing it.

    >>> installed("json"), installed("no_such_library")
    (True, False)
    """
    return importlib.util.find_spec(library) is not None


def need(library: str, extra: str, what: str) -> None:
    """Raises `MissingExtraError` where `library` is missing, naming the extra that brings it.

    >>> need("no_such_library", "deep", "The network is trained")
    Traceback (most recent call last):
    ...
    shelfwise.core.errors.MissingExtraError: The network is trained with no_such_library, which is \
not installed. Install it with: pip install 'shelfwise[deep]'
    """
    if not installed(library):
        raise MissingExtraError(
            f"{what} with {library}, which is not installed.",
            remedy=f"Install it with: pip install 'shelfwise[{extra}]'",
        )
