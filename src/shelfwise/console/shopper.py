"""Try a recommendation: what a shopper did, what is answered, and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from shelfwise.console.cards import Card, ShownSlate, known_card, shown
from shelfwise.console.errors import PageError
from shelfwise.console.page import Asked, Page, Site
from shelfwise.console.words.shopper import SHOPPER
from shelfwise.core.question import Question
from shelfwise.pipeline.live import LiveShop
from shelfwise.pipeline.shoppers import SESSION_PREFIX

SHOWN_EVENTS: Final = 20


@dataclass(frozen=True)
class Done:
    """One thing a shopper did."""

    event_type: str
    card: Card
    time_ms: int


@dataclass(frozen=True)
class Tried:
    """What the page shows; without a question there is no answer."""

    user_id: str | None
    session_id: str | None
    item: Card | None
    some_shopper: str | None
    n_events: int
    events: tuple[Done, ...]
    """Newest first."""
    answer: ShownSlate | None


async def tried(site: Site, asked: Asked) -> Tried:
    """The answer to the question in the address."""
    user_id, session_id, item_id = (asked.params.get(n) for n in ("user_id", "session", "item_id"))
    live = site.live
    if item_id is not None and live.product(item_id) is None:
        raise PageError("no_product", item_id)
    if user_id is not None and live.user(user_id) is None:
        raise PageError("no_shopper", user_id)
    events = history(live, user_id, session_id)
    answer = None
    if user_id or session_id or item_id:
        question = Question(user_id=user_id, session_id=session_id, item_id=item_id)
        answer = shown(live, live.recommend(question, site.now_ms()), asked.language)
    return Tried(
        user_id=user_id,
        session_id=session_id,
        item=None if item_id is None else known_card(live, item_id),
        some_shopper=live.some_shopper(),
        n_events=len(events),
        events=tuple(_done(live, event) for event in events[:SHOWN_EVENTS]),
        answer=answer,
    )


def history(live: LiveShop, user_id: str | None, session_id: str | None) -> list[dict[str, Any]]:
    """What is held about a shopper and a visit, newest first."""
    keys = [user_id, None if session_id is None else SESSION_PREFIX + session_id]
    held = [live.user(key) for key in keys if key is not None]
    events = [event for one in held if one is not None for event in one["events"]]
    return sorted(events, key=lambda event: int(event["timestamp"]))[::-1]


def _done(live: LiveShop, event: dict[str, Any]) -> Done:
    card = known_card(live, event["item_id"])
    return Done(event["event_type"], card, event["timestamp"])


PAGE: Final = Page("/console/shopper", "shopper.html.jinja", tried, SHOPPER)
