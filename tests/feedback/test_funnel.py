"""What recommendations brought."""

from __future__ import annotations

from shelfwise.core.event import Event
from shelfwise.feedback import funnel

HOUR = 3_600_000


def _event(kind: str, hour: float, *, user: str = "u", item: str = "a", **more: object) -> Event:
    return Event(kind, int(hour * HOUR), user_id=user, item_id=item, **more)  # type: ignore[arg-type]


def test_a_purchase_after_a_click_counts_to_the_slate_clicked() -> None:
    found = funnel([_event("click", 0, list_id="r1"), _event("purchase", 2, price=3.0, quantity=2)])
    assert (found.slates, found.clicks, found.purchases, found.revenue) == (1, 1, 1, 6.0)


def test_a_purchase_long_after_the_click_does_not_count() -> None:
    found = funnel([_event("click", 0, list_id="r1"), _event("purchase", 25, value=9.0)])
    assert (found.purchases, found.revenue) == (0, 0.0)


def test_another_shopper_or_product_does_not_count() -> None:
    click = _event("click", 0, list_id="r1")
    others = [_event("purchase", 1, user="v"), _event("purchase", 1, item="b")]
    assert funnel([click, *others]).purchases == 0


def test_an_impression_alone_claims_no_purchase() -> None:
    found = funnel([_event("impression", 0, list_id="r1"), _event("purchase", 1, value=5.0)])
    assert (found.impressions, found.purchases, found.revenue) == (1, 0, 0.0)


def test_reloading_a_page_counts_one_click() -> None:
    found = funnel([_event("view", at, list_id="r1") for at in range(3)])
    assert found.clicks == 1


def test_the_last_slate_touched_gets_the_purchase() -> None:
    touches = [_event("click", 0, list_id="r1"), _event("click", 1, list_id="r2")]
    found = funnel([*touches, _event("purchase", 2, value=1.0)])
    assert (found.slates, found.clicks, found.purchases) == (2, 2, 1)


def test_rates_are_unknown_without_a_base() -> None:
    nothing = funnel([])
    assert nothing.click_rate is None
    assert nothing.purchase_rate is None
    assert nothing.slates == 0
