"""What recommendations brought: events joined to the slates that caused them.

An event names its slate by `list_id`, the `recommendation_id` of the answer that showed the
product. Where a shop reports it for the click or view alone, what the same shopper does with the
same product within the attribution window is counted to that slate too (last touch).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from shelfwise.core.event import Event

WINDOW_HOURS = 24.0
"""How long after a click on a recommended product its purchase still counts to the slate."""
_STEPS = {
    "impression": "impressions",
    "click": "clicks",
    "view": "clicks",
    "add_to_cart": "carts",
    "purchase": "purchases",
}


@dataclass(frozen=True)
class Funnel:
    """Counts over all slates; a shopper's step with a product counts once for each slate."""

    slates: int
    """Slates that any event names."""
    impressions: int
    clicks: int
    """Clicks, and views where the shop reports no click."""
    carts: int
    purchases: int
    revenue: float
    """Money of the purchases: value, or price times quantity; unknown counts 0."""

    @property
    def click_rate(self) -> float | None:
        """Clicks per impression; None where no impression was reported."""
        return self.clicks / self.impressions if self.impressions else None

    @property
    def purchase_rate(self) -> float | None:
        """Purchases per click; None where there was no click."""
        return self.purchases / self.clicks if self.clicks else None


def funnel(events: Iterable[Event], window_hours: float = WINDOW_HOURS) -> Funnel:
    """The funnel of all slates that `events` (in order of time) name.

    >>> shown = Event("impression", 0, user_id="u", item_id="a", list_id="r1")
    >>> click = Event("click", 1000, user_id="u", item_id="a", list_id="r1")
    >>> bought = Event("purchase", 2000, user_id="u", item_id="a", value=9.0)
    >>> one = funnel([shown, click, bought])
    >>> one.clicks, one.purchases, one.revenue, one.click_rate
    (1, 1, 9.0, 1.0)
    """
    touched: dict[tuple[str, str], tuple[str, int]] = {}
    met: set[tuple[str, str, str, str]] = set()
    counts = dict.fromkeys(_STEPS.values(), 0)
    slates: set[str] = set()
    revenue = 0.0
    for event in events:
        step = _STEPS.get(event.event_type)
        if step is None or event.item_id is None:
            continue
        pair = (event.user_id or f"session:{event.session_id}", event.item_id)
        slate = event.list_id or _touch(touched, pair, event.time_ms, window_hours)
        if slate is None:
            continue
        slates.add(slate)
        if step != "impressions":
            touched[pair] = (slate, event.time_ms)
        if (slate, *pair, step) in met:
            continue
        met.add((slate, *pair, step))
        counts[step] += 1
        if step == "purchases":
            revenue += _money(event)
    return Funnel(slates=len(slates), revenue=revenue, **counts)


def _touch(
    touched: dict[tuple[str, str], tuple[str, int]],
    pair: tuple[str, str],
    time_ms: int,
    window_hours: float,
) -> str | None:
    """The slate whose product this shopper touched last, within the window."""
    slate, when = touched.get(pair, (None, 0))
    return slate if slate is not None and time_ms - when <= window_hours * 3_600_000 else None


def _money(event: Event) -> float:
    if event.value is not None:
        return event.value
    return (event.price or 0.0) * (1.0 if event.quantity is None else event.quantity)
