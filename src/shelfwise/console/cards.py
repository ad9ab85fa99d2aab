"""Recommended products as pages show them: the slate's items with their products beside them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from shelfwise.console.language import Language
from shelfwise.console.reasons import Title, evidence_text, reason_text
from shelfwise.core.event import Product
from shelfwise.core.slate import Reason, Slate
from shelfwise.pipeline.live import LiveShop


@dataclass(frozen=True)
class ToldReason:
    """A reason in the reader's language."""

    kind: str
    text: str
    weight: float
    """Share of the score that came from it."""
    evidence: tuple[tuple[str, str], ...]
    """Each fact: what it is, and its value."""


@dataclass(frozen=True)
class Card:
    """One product to show."""

    item_id: str
    title: str
    """The id where the product has none."""
    price: float | None
    currency: str | None
    brand: str | None
    category: str | None


@dataclass(frozen=True)
class Recommended:
    """One recommended product."""

    card: Card
    position: int
    score: float
    sources: tuple[str, ...]
    reasons: tuple[ToldReason, ...]


@dataclass(frozen=True)
class ShownSlate:
    """An answer as pages show it."""

    recommendation_id: str
    model: str
    fallback: bool
    missing_ids: tuple[str, ...]
    items: tuple[Recommended, ...]


def card_of(product: Product) -> Card:
    """The product, to be shown."""
    return Card(
        item_id=product.item_id,
        title=product.title or product.item_id,
        price=product.price,
        currency=product.currency,
        brand=product.brand,
        category=product.category,
    )


def known_card(live: LiveShop, item_id: str) -> Card:
    """The product, or a card that has no more than the id of one that is gone."""
    return card_of(live.product(item_id) or Product(item_id))


def shown(live: LiveShop, slate: Slate, language: Language) -> ShownSlate:
    """The answer with the products it names."""

    @cache  # reasons of one answer name the same few products again and again
    def card(item_id: str) -> Card:
        return known_card(live, item_id)

    def told(reason: Reason) -> ToldReason:
        return _told(reason, language, lambda item_id: card(item_id).title)

    return ShownSlate(
        recommendation_id=slate.recommendation_id,
        model=slate.model,
        fallback=slate.fallback,
        missing_ids=slate.missing_ids,
        items=tuple(
            Recommended(
                card=card(item.item_id),
                position=item.position,
                score=item.score,
                sources=item.sources,
                reasons=tuple(map(told, item.reasons)),
            )
            for item in slate.items
        ),
    )


def _told(reason: Reason, language: Language, title: Title) -> ToldReason:
    return ToldReason(
        kind=reason.kind,
        text=reason_text(reason, language, title),
        weight=reason.weight,
        evidence=tuple(evidence_text(fact, language, title) for fact in reason.evidence),
    )
