"""One question as a shop asks it, in the shop's own ids."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal


@dataclass(frozen=True)
class Question:
    """What `POST /v1/recommend`, `Shop.recommend` and the command line ask."""

    user_id: str | None = None
    session_id: str | None = None
    item_id: str | None = None
    """The product being looked at: the answer goes with it."""
    item_ids: tuple[str, ...] = ()
    """Products seen in this visit or lying in the cart, oldest first."""
    placement: str | None = None
    n: int = 10
    filter: dict[str, Any] | None = None
    """A filter expression over product fields, as JSON (see `rerank.filters`)."""
    exclude: tuple[str, ...] = ()
    explain: bool = True
    seen: Literal["auto", "exclude", "allow"] = "auto"
    """What to do with products the shopper already has: auto (as learnt), exclude or allow."""
