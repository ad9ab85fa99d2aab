"""What the online log holds: one record a change, its kind, and its JSON.

A record is something a shopper did (`Event`), a product as it is from now on (`Product`), a product
that is gone (`Deletion`) or a person who wants to be forgotten (`Erasure`). Knows no file.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Final, Literal

import msgspec

from shelfwise.core.errors import StorageError
from shelfwise.core.event import Event, Product

Kind = Literal["event", "product_put", "product_delete", "erase_user"]


@dataclass(frozen=True)
class Deletion:
    """A product that is no longer sold."""

    item_id: str


@dataclass(frozen=True)
class Erasure:
    """A person whose data are to be removed everywhere."""

    user_id: str
    session_ids: tuple[str, ...] = ()
    """Sessions in which the log knew the person; the log fills them in."""


Content = Event | Product | Deletion | Erasure

KINDS: Final[dict[type, Kind]] = {
    Event: "event",
    Product: "product_put",
    Deletion: "product_delete",
    Erasure: "erase_user",
}

_DECODERS: Final[dict[str, msgspec.json.Decoder[Content]]] = {
    kind: msgspec.json.Decoder(noun) for noun, kind in KINDS.items()
}
_ENCODER: Final = msgspec.json.Encoder()
_NAMES: Final = {
    noun: tuple(field.name for field in fields(noun))
    for noun in (Event, Product, Deletion, Erasure)
}


@dataclass(frozen=True)
class Record:
    """One entry of the log."""

    offset: int
    """Its place in the log: later records have greater offsets, and none is used twice."""
    kind: Kind
    content: Content


def encode(content: Content) -> bytes:
    """The content as JSON, fields that are not set left out.

    >>> encode(Event("view", 5, user_id="u", item_id="a"))
    b'{"event_type":"view","time_ms":5,"user_id":"u","item_id":"a"}'
    """
    named = ((name, getattr(content, name)) for name in _NAMES[type(content)])
    return _ENCODER.encode({name: value for name, value in named if value not in {None, ()}})


def decode(offset: int, kind: str, payload: bytes) -> Record:
    """The stored record; raises `StorageError` when it is damaged.

    >>> decode(7, "product_delete", b'{"item_id":"a"}')
    Record(offset=7, kind='product_delete', content=Deletion(item_id='a'))
    """
    try:
        content = _DECODERS[kind].decode(payload)
    except (KeyError, msgspec.MsgspecError) as error:
        raise StorageError(
            f"Record {offset} of the event log cannot be read: {error}.",
            remedy="Restore log/events.sqlite from a backup, or update Shelfwise.",
        ) from error
    return Record(offset, KINDS[type(content)], content)
