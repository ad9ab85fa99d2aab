"""The answer to one request: items in order, each with its true reasons."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Evidence:
    """One checkable fact behind a reason: a named number, or a quoted text."""

    name: str
    value: float | str
    item_id: str | None = None
    """The other product the fact is about, if any."""


@dataclass(frozen=True)
class Reason:
    """Why an item is in the slate, made from the numbers that scored it."""

    kind: str
    """What sort of reason: bought_after, bought_together, similar, popular, bought_before …"""
    text: str
    evidence: tuple[Evidence, ...] = ()
    weight: float = 0.0
    """Share of the fused score that this reason's source gave, for ordering reasons."""


@dataclass(frozen=True)
class SlateItem:
    """One recommended item."""

    item_id: str
    position: int
    """From 1."""
    score: float
    sources: tuple[str, ...]
    reasons: tuple[Reason, ...] = ()
    propensity: float = 1.0
    """Probability with which it was placed here, for later off-policy estimates."""
    p_click: float | None = None
    """Chance that the shopper clicks it; None: the shop's data do not tell."""
    p_purchase: float | None = None
    """Chance that the shopper buys it."""


@dataclass(frozen=True)
class Slate:
    """An answer, in the order it should be shown."""

    recommendation_id: str
    items: tuple[SlateItem, ...]
    model: str
    """Version of the model bundle that answered."""
    fallback: bool = False
    """True when nothing was known about the shopper or the anchor item."""
    missing_ids: tuple[str, ...] = field(default=())
    """Ids in the request which the shop does not know."""
