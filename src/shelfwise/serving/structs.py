"""What the API takes and gives, as strict structs: an unknown field is refused by name.

Docstrings and limits here are what `/openapi.json` shows. Events have two forms: ours, and that of
GA4's Measurement Protocol, where fields we do not use are passed over.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

NO_CONTROLS: Final = r"^(?![\s\S]*[\x00-\x1f\x7f])"
NO_NUL: Final = r"^(?![\s\S]*\x00)"
LARGEST: Final = 1e12
MAX_BATCH: Final = 2_000
"""Most events in one request."""
MAX_ITEMS: Final = 1_000
"""Longest answer given."""

Id = Annotated[str, Meta(min_length=1, max_length=512, pattern=NO_CONTROLS)]
Line = Annotated[str, Meta(max_length=4_000, pattern=NO_CONTROLS)]
Text = Annotated[str, Meta(max_length=100_000, pattern=NO_NUL)]
Currency = Annotated[str, Meta(pattern="^[A-Z]{3}$", description="ISO 4217, for example EUR")]
Money = Annotated[float, Meta(ge=0, le=LARGEST)]
Time = Annotated[str | int | float, Meta(description="RFC 3339 or epoch milliseconds; absent: now")]


class EventBody(msgspec.Struct, forbid_unknown_fields=True):
    """One thing a shopper did; one of `user_id` and `session_id` names the shopper."""

    user_id: Id | None = None
    session_id: Id | None = None
    item_id: Id | None = None
    """Required, except for a search."""
    event_type: Line | None = None
    """impression, view, click, add_to_cart, remove_from_cart, wishlist, purchase, refund, rate or
    search; when absent, `rate` with a rating and `purchase` without."""
    timestamp: Time | None = None
    event_id: Id | None = None
    """Makes sending again harmless: the same id of the same shopper counts once."""
    value: Annotated[float, Meta(ge=-LARGEST, le=LARGEST)] | None = None
    quantity: Annotated[float, Meta(ge=0, le=1e9)] | None = None
    price: Money | None = None
    currency: Currency | None = None
    position: Annotated[int, Meta(ge=1, le=1_000_000)] | None = None
    list_id: Id | None = None
    """The `recommendation_id` that showed the product."""
    rating: Annotated[float, Meta(ge=0, le=1_000)] | None = None
    country: Annotated[str, Meta(max_length=100, pattern=NO_CONTROLS)] | None = None
    query: Line | None = None


_AnyEvent = Annotated[
    msgspec.Raw,
    Meta(
        extra_json_schema={
            "anyOf": [
                {"$ref": "#/components/schemas/EventBody"},
                {"$ref": "#/components/schemas/Ga4Event"},
            ]
        }
    ),
]


class EventsBody(msgspec.Struct):
    """Several events, ours or GA4's."""

    events: Annotated[list[_AnyEvent], Meta(max_length=MAX_BATCH)] | UnsetType = UNSET
    client_id: Id | None = None
    user_id: Id | None = None
    timestamp_micros: int | str | None = None


class Ga4Item(msgspec.Struct):
    """One product of a GA4 event."""

    item_id: Id | None = None
    price: float | None = None
    quantity: float | None = None
    index: int | None = None
    item_list_id: Line | None = None


class Ga4Params(msgspec.Struct):
    """The parameters of a GA4 event that we use."""

    items: Annotated[list[Ga4Item], Meta(max_length=200)] = []
    currency: Currency | None = None
    session_id: str | int | None = None
    ga_session_id: str | int | None = None
    item_list_id: Line | None = None
    search_term: Line | None = None


class Ga4Event(msgspec.Struct):
    """One event of GA4's Measurement Protocol, or of its export."""

    name: Line | None = None
    event_name: Line | None = None
    params: Ga4Params | None = None
    items: Annotated[list[Ga4Item], Meta(max_length=200)] = []
    timestamp_micros: int | str | None = None
    event_timestamp: int | str | None = None
    user_id: Id | None = None
    user_pseudo_id: Id | None = None


class Rejected(msgspec.Struct):
    """An event of the request that was not stored, and why."""

    index: int
    error: str


class EventsAnswer(msgspec.Struct):
    """What became of the events; accepted ones are on the disk."""

    accepted: int
    rejected: list[Rejected]


class RecommendBody(msgspec.Struct, forbid_unknown_fields=True):
    """Who asks, where, how many; without any id the answer is what is popular."""

    user_id: Id | None = None
    session_id: Id | None = None
    item_id: Id | None = None
    """The product being looked at: the answer goes with it."""
    item_ids: Annotated[list[Id], Meta(max_length=1_000)] = []
    """Products seen in this visit or lying in the cart, oldest first."""
    placement: Annotated[str, Meta(max_length=200, pattern=NO_CONTROLS)] | None = None
    n: Annotated[int, Meta(ge=1, le=MAX_ITEMS)] = 10
    filter: dict[str, Any] | None = None
    """A filter expression that holds for every item of the answer."""
    exclude: Annotated[list[Id], Meta(max_length=10_000)] = []
    explain: bool = True
    seen: Literal["auto", "exclude", "allow"] = "auto"
    """What to do with products the shopper already has."""


class EvidenceAnswer(msgspec.Struct, omit_defaults=True):
    """One checkable fact behind a reason."""

    name: str
    value: float | str
    item_id: str | None = None


class ReasonAnswer(msgspec.Struct):
    """Why an item is recommended."""

    kind: str
    text: str
    evidence: list[EvidenceAnswer]


class ItemAnswer(msgspec.Struct, omit_defaults=True):
    """One recommended item."""

    item_id: str
    position: int
    score: float
    sources: tuple[str, ...]
    reasons: list[ReasonAnswer]
    p_click: float | None = None
    """Chance that a shopper who comes clicks it; absent where the shop's data do not tell."""
    p_purchase: float | None = None
    """Chance that a shopper who comes buys it; absent where the shop's data do not tell."""


class RecommendAnswer(msgspec.Struct):
    """The recommended items, best first."""

    recommendation_id: str
    items: list[ItemAnswer]
    fallback: bool
    """True when nothing was known about the shopper or the anchor item."""
    missing_ids: tuple[str, ...]
    """Ids of the request which the shop does not know."""
    model: str


_Plain = str | int | float | bool | None
Availability = Literal["in_stock", "out_of_stock", "preorder", "backorder"]
Ids = Annotated[list[Id], Meta(max_length=1_000)]


class ProductBody(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """A product's fields; PUT takes absent ones as empty, PATCH leaves them as they are."""

    item_id: Id | UnsetType = UNSET
    """If given, the id in the path."""
    title: Line | UnsetType | None = UNSET
    description: Text | UnsetType | None = UNSET
    brand: Line | UnsetType | None = UNSET
    category: Line | UnsetType | None = UNSET
    """A path, general to special: `A > B > C`."""
    price: Money | UnsetType | None = UNSET
    currency: Currency | UnsetType | None = UNSET
    image: Line | UnsetType | None = UNSET
    availability: Availability | UnsetType | None = UNSET
    attributes: dict[Line, _Plain | list[_Plain]] | list[Line] | Text | UnsetType | None = UNSET
    """An object of names and values, or tokens, as a list or joined by `;`."""
    group_id: Id | UnsetType | None = UNSET
    also_bought: Ids | UnsetType | None = UNSET
    also_viewed: Ids | UnsetType | None = UNSET


class ProductAnswer(msgspec.Struct, omit_defaults=True):
    """A product as it is now."""

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


class DeletedAnswer(msgspec.Struct):
    """The product that is gone."""

    item_id: str
    deleted: bool


class ErasedAnswer(msgspec.Struct):
    """The user whose data are gone."""

    user_id: str
    erased: bool


class HealthAnswer(msgspec.Struct):
    """The process runs."""

    status: str


class ReadyAnswer(msgspec.Struct, omit_defaults=True):
    """Questions can be answered."""

    status: str
    model: str
    trouble: str = ""
    """Why a newer version that was promoted does not answer; absent where none is waiting."""
