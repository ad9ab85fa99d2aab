"""Shelfwise: a self-hosted e-commerce recommender that fuses models and explains itself.

from shelfwise import Shop
shop = Shop.open("my-shop")
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from shelfwise.app import Shop

__all__ = ["Shop"]


def __getattr__(name: str) -> Any:
    """`Shop`, loaded when first asked for, so that importing a room does not load all of them."""
    if name == "Shop":
        from shelfwise.app import Shop  # noqa: PLC0415 - lazy on purpose

        return Shop
    raise AttributeError(name)
