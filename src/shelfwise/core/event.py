"""One thing a shopper did and one product, as single rows (files use columns instead)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Event:
    """One row of `EVENTS_SCHEMA`, already valid: what the online side passes around."""

    event_type: str
    time_ms: int
    """UTC milliseconds since 1970."""
    user_id: str | None = None
    session_id: str | None = None
    """Set when `user_id` is not: one of the two names the shopper."""
    item_id: str | None = None
    """None only for a search."""
    value: float | None = None
    quantity: float | None = None
    price: float | None = None
    currency: str | None = None
    position: int | None = None
    list_id: str | None = None
    rating: float | None = None
    country: str | None = None
    query: str | None = None


@dataclass(frozen=True)
class Product:
    """One row of `PRODUCTS_SCHEMA`."""

    item_id: str
    title: str | None = None
    description: str | None = None
    brand: str | None = None
    category: str | None = None
    price: float | None = None
    currency: str | None = None
    image: str | None = None
    availability: str | None = None
    attributes: tuple[str, ...] = ()
    group_id: str | None = None
    also_bought: tuple[str, ...] = ()
    also_viewed: tuple[str, ...] = ()
