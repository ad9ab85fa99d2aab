"""One HTTP answer, before it is sent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Self

import msgspec

_ENCODER: Final = msgspec.json.Encoder()
JSON: Final = "application/json"


@dataclass(frozen=True)
class Reply:
    """Status, body and headers."""

    status: int
    body: bytes
    media_type: str = JSON
    headers: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def json(cls, value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Self:
        """`value` (a struct, a dataclass or plain values) as JSON.

        >>> Reply.json({"a": 1}).body
        b'{"a":1}'
        """
        return cls(status, _ENCODER.encode(value), JSON, headers or {})

    def raw_headers(self) -> list[tuple[bytes, bytes]]:
        """The headers as ASGI wants them."""
        named = {
            "content-type": self.media_type,
            "content-length": str(len(self.body)),
            **self.headers,
        }
        return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in named.items()]
