"""Numbers, money and times as pages write them."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import Final

_SIGNS: Final = {"USD": "$", "EUR": "€", "GBP": "£", "CNY": "¥", "JPY": "¥"}


def number(value: float) -> str:
    """A count with separators, or a fraction with four significant figures.

    >>> number(12345), number(0.35072), number(38.0)
    ('12,345', '0.3507', '38')
    """
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.4g}"


def percent(share: float) -> str:
    """A share with one decimal.

    >>> percent(0.5347)
    '53.5%'
    """
    return f"{share:.1%}"


def money(price: float | None, currency: str | None) -> str:
    """A price as shops write it; empty when it is not known.

    >>> money(1299.5, "EUR"), money(5, None), money(3, "CHF"), money(None, "EUR")
    ('€1,299.50', '5.00', '3.00 CHF', '')
    """
    if price is None:
        return ""
    sign = _SIGNS.get(currency or "", "")
    after = f" {currency}" if currency and not sign else ""
    return f"{sign}{price:,.2f}{after}"


def when(time_ms: int | None) -> str:
    """A time in UTC to the minute; empty when it is not known.

    >>> when(1_760_000_000_000)
    '2025-10-09 08:53 UTC'
    """
    if time_ms is None:
        return ""
    return datetime.fromtimestamp(time_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M UTC")


def hue(text: str) -> int:
    """A colour angle that is always the same for a text, for tiles of products without a picture.

    >>> hue("Kitchen") == hue("Kitchen"), 0 <= hue("Garden") < 360
    (True, True)
    """
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4]) % 360


def initials(title: str) -> str:
    """Up to two letters that stand for a title on its tile.

    >>> initials("Everline Coastal Down Duvet"), initials("茶杯"), initials("")
    ('EC', '茶杯', '')
    """
    words = [word for word in title.split() if word[0].isalnum()]
    letters = words[0][:2] if len(words) == 1 else "".join(word[0] for word in words[:2])
    return letters.upper()
