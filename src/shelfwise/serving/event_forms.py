"""Events as shops send them, ours or GA4's, as our `Event`s: each valid, or refused with a reason.

One bad event does not spoil a batch. GA4's form is that of its Measurement Protocol (`client_id`,
`events: [{name, params: {items}}]`); one GA4 event with several items becomes as many of ours.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec

from shelfwise.core.columns import EVENT_TYPES
from shelfwise.core.errors import BadInputError
from shelfwise.core.event import Event
from shelfwise.ingest.event_names import event_type_of
from shelfwise.ingest.times import EARLIEST_MS, LATEST_AHEAD_MS
from shelfwise.serving.decoding import decode
from shelfwise.serving.errors import MalformedError
from shelfwise.serving.structs import (
    LARGEST,
    EventBody,
    EventsBody,
    Ga4Event,
    Ga4Item,
    Ga4Params,
    Rejected,
)

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)


class _Form(msgspec.Struct):
    """The names that tell the two forms apart."""

    name: Any = None
    event_name: Any = None
    event_type: Any = None


_BATCH: Final = msgspec.json.Decoder(EventsBody)
_FORM: Final = msgspec.json.Decoder(_Form)
_OURS: Final = msgspec.json.Decoder(EventBody)
_GA4: Final = msgspec.json.Decoder(Ga4Event)


@dataclass
class Parsed:
    """The events of one request, and what was refused of it."""

    accepted: int = 0
    """Events as they were sent: one of GA4 may have become several."""
    events: list[Event] = field(default_factory=list)
    keys: list[str | None] = field(default_factory=list)
    """For each of `events`, what makes sending it again harmless."""
    rejected: list[Rejected] = field(default_factory=list)


def parse_events(body: bytes, now_ms: int) -> Parsed:
    """All events of a request; raises only where the request as a whole cannot be used.

    >>> parsed = parse_events(b'{"user_id": "u", "item_id": "a", "event_type": "view"}', 1)
    >>> parsed.events
    [Event(event_type='view', time_ms=1, user_id='u', session_id=None, item_id='a', value=None, \
quantity=None, price=None, currency=None, position=None, list_id=None, rating=None, country=None, \
query=None)]
    """
    envelope = decode(_BATCH, body)
    parsed = Parsed()
    if isinstance(envelope.events, msgspec.UnsetType):
        _take(parsed, body, EventsBody(), now_ms)
        return parsed
    for index, raw in enumerate(envelope.events):
        try:
            _take(parsed, bytes(raw), envelope, now_ms)
        except (BadInputError, MalformedError) as error:
            parsed.rejected.append(Rejected(index, f"{error.message} {error.remedy}"))
    return parsed


def _take(parsed: Parsed, raw: bytes, envelope: EventsBody, now_ms: int) -> None:
    form = decode(_FORM, raw)
    if form.event_type is None and isinstance(form.name or form.event_name, str):
        events = _from_ga4(decode(_GA4, raw), envelope, now_ms)
        keys: list[str | None] = [None] * len(events)
    else:
        ours = decode(_OURS, raw)
        events = [_from_ours(ours, now_ms)]
        keys = [_key(ours)]
    parsed.accepted += 1
    parsed.events += events
    parsed.keys += keys


def _key(body: EventBody) -> str | None:
    """The client's event id, within its shopper: ids of two shoppers never meet."""
    if body.event_id is None:
        return None
    return "\n".join((body.user_id or "", body.session_id or "", body.event_id))


def _from_ours(body: EventBody, now_ms: int) -> Event:
    if body.user_id is None and body.session_id is None:
        raise BadInputError(
            "The event names no shopper.", remedy="Give 'user_id' or 'session_id'.", field="user_id"
        )
    event_type = _event_type(body)
    if body.item_id is None and event_type != "search":
        raise BadInputError(
            f"A '{event_type}' event needs a product.", remedy="Give 'item_id'.", field="item_id"
        )
    return Event(
        event_type=event_type,
        time_ms=_time_ms(body.timestamp, now_ms),
        user_id=body.user_id,
        session_id=body.session_id,
        item_id=body.item_id,
        value=body.value,
        quantity=body.quantity,
        price=body.price,
        currency=body.currency,
        position=body.position,
        list_id=body.list_id,
        rating=body.rating,
        country=body.country,
        query=body.query,
    )


def _event_type(body: EventBody) -> str:
    if body.event_type is None:
        return "purchase" if body.rating is None else "rate"
    return _known_type(body.event_type, "event_type")


def _known_type(name: str, where: str) -> str:
    ours = event_type_of(name)
    if ours is None:
        raise BadInputError(
            f"'{name[:100]}' is not an event type.",
            remedy=f"Use one of: {', '.join(EVENT_TYPES)}.",
            field=where,
        )
    return ours


def _time_ms(given: str | float | None, now_ms: int) -> int:
    """UTC milliseconds; a text without zone is UTC."""
    if given is None:
        return now_ms
    time_ms = _written_ms(given) if isinstance(given, str) else int(given)
    if not EARLIEST_MS <= time_ms <= now_ms + LATEST_AHEAD_MS:
        when = "before 1995" if time_ms < EARLIEST_MS else "in the future"
        raise BadInputError(
            f"'timestamp' lies {when}: {str(given)[:60]}.",
            remedy="Give RFC 3339 or milliseconds since 1970.",
            field="timestamp",
        )
    return time_ms


def _written_ms(text: str) -> int:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise BadInputError(
            f"'timestamp' is not a time: '{text[:60]}'.",
            remedy="Give RFC 3339 like 2026-01-31T09:30:00Z, or milliseconds since 1970.",
            field="timestamp",
        ) from None
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return (aware - _EPOCH) // _MILLISECOND


def _from_ga4(event: Ga4Event, envelope: EventsBody, now_ms: int) -> list[Event]:
    event_type = _known_type(event.name or event.event_name or "", "name")
    params = event.params or Ga4Params()
    user = event.user_id or envelope.user_id or event.user_pseudo_id or envelope.client_id
    session = _session(params)
    if user is None and session is None:
        raise BadInputError(
            "The event names no shopper.",
            remedy="Give 'client_id' or 'user_id'.",
            field="client_id",
        )
    micros = event.timestamp_micros or event.event_timestamp or envelope.timestamp_micros
    time_ms = _time_ms(_millis(micros), now_ms)
    items = [item for item in (params.items or event.items) if item.item_id is not None]
    if not items and event_type == "search":
        items = [Ga4Item()]
    if not items:
        raise BadInputError(
            f"A '{event_type}' event needs products.",
            remedy="Give 'params.items', each with 'item_id'.",
            field="params.items",
        )
    return [
        Event(
            event_type=event_type,
            time_ms=time_ms,
            user_id=user,
            session_id=session,
            item_id=item.item_id,
            value=_product(item.price, item.quantity or 1.0),
            quantity=_within(item.quantity),
            price=_within(item.price),
            currency=params.currency,
            position=item.index if item.index is not None and 1 <= item.index < 1e6 else None,
            list_id=item.item_list_id or params.item_list_id,
            query=params.search_term,
        )
        for item in items
    ]


def _session(params: Ga4Params) -> str | None:
    given = params.session_id if params.session_id is not None else params.ga_session_id
    if given is None or len(str(given)) > 512:
        return None
    return str(given).replace("\x00", "") or None


def _millis(micros: int | str | None) -> int | None:
    """Milliseconds of GA4's microseconds, which come as a number or as text."""
    if micros is None:
        return None
    try:
        return int(micros) // 1000
    except ValueError:
        raise BadInputError(
            f"'timestamp_micros' is not a number: '{str(micros)[:60]}'.",
            remedy="Give microseconds since 1970.",
            field="timestamp_micros",
        ) from None


def _within(number: float | None) -> float | None:
    """The number where a shop can mean it, else None."""
    return number if number is not None and 0 <= number <= LARGEST else None


def _product(price: float | None, quantity: float) -> float | None:
    return None if price is None else _within(price * quantity)
