"""A demo storefront over any shop: it adapts to each click, and says why."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

from shelfwise.console.cards import Card, ShownSlate, card_of, known_card, shown
from shelfwise.console.errors import PageError
from shelfwise.console.page import Asked, Page, Site
from shelfwise.console.shopper import history
from shelfwise.console.words.storefront import STOREFRONT
from shelfwise.core.question import Question
from shelfwise.features.reviews import ReviewFacts
from shelfwise.rerank.shelf import OUT_OF_STOCK

HOME_CARDS: Final = 12
BESIDE_CARDS: Final = 6
RECENT_CARDS: Final = 8
_LIST_ID: Final = re.compile(r"[A-Za-z0-9_.-]{1,64}")


@dataclass(frozen=True)
class Visitor:
    """Who looks: a shopper by name, or else an anonymous visit."""

    user_id: str | None
    session_id: str | None
    query: str
    """What links add to stay this visitor: empty, or `user_id=…`."""

    @classmethod
    def of(cls, asked: Asked) -> Visitor:
        """The visitor of a request."""
        user_id = asked.params.get("user_id")
        if user_id is None:
            return cls(None, asked.session_id, "")
        return cls(user_id, None, urlencode({"user_id": user_id}))


@dataclass(frozen=True)
class Home:
    """What the first page shows."""

    visitor: Visitor
    recent: tuple[Card, ...]
    """Products the visitor dealt with, latest first, each once."""
    answer: ShownSlate
    some_shopper: str | None


@dataclass(frozen=True)
class ProductPage:
    """What a product's page shows."""

    visitor: Visitor
    card: Card
    description: str | None
    attributes: tuple[str, ...]
    sold_out: bool
    reviews: ReviewFacts | None
    came_from: str | None
    """The recommendation that led here, for the events sent from here."""
    beside: ShownSlate
    """What goes well with it."""


async def home(site: Site, asked: Asked) -> Home:
    """The first page, for whoever looks."""
    visitor = Visitor.of(asked)
    question = Question(user_id=visitor.user_id, session_id=visitor.session_id, n=HOME_CARDS)
    answer = site.live.recommend(question, site.now_ms())
    events = history(site.live, visitor.user_id, visitor.session_id)
    recent = list(dict.fromkeys(event["item_id"] for event in events))[:RECENT_CARDS]
    return Home(
        visitor=visitor,
        recent=tuple(known_card(site.live, item_id) for item_id in recent),
        answer=shown(site.live, answer, asked.language),
        some_shopper=site.live.some_shopper(),
    )


async def product_page(site: Site, asked: Asked) -> ProductPage:
    """One product's page; one that is sold out is still shown, but cannot be bought."""
    product = site.live.product(asked.id)
    if product is None:
        raise PageError("no_product", asked.id)
    beside = site.live.recommend(Question(item_id=asked.id, n=BESIDE_CARDS), site.now_ms())
    came_from = asked.params.get("list", "")
    return ProductPage(
        visitor=Visitor.of(asked),
        card=card_of(product),
        description=product.description,
        attributes=product.attributes,
        sold_out=product.availability == OUT_OF_STOCK,
        reviews=site.live.reviews(asked.id),
        came_from=came_from if _LIST_ID.fullmatch(came_from) else None,
        beside=shown(site.live, beside, asked.language),
    )


HOME: Final = Page("/shop", "home.html.jinja", home, STOREFRONT, "shop")
PRODUCT: Final = Page("/shop/p/", "product.html.jinja", product_page, STOREFRONT, "shop")
