"""What cleaning must find in the demo shop's files: bots, repeats and rows that cannot be read."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from shelfwise.ingest.demo_reviews import Review
from shelfwise.ingest.demo_visits import DAY_MS, Act

UNREADABLE_EVENTS = {
    "no item": {"item_id": ""},
    "no shopper": {"user_id": "", "session_id": ""},
    "time not understood": {"timestamp": "soon"},
    "time in the far future": {"timestamp": "4070908800000"},
    "unknown event type": {"event_type": "teleport"},
}
"""By what is wrong: the columns that are spoilt, and with what."""
N_BOTS = 3
CONFLICTING = 6
"""Products told twice, differently."""
OF_EACH = 12
"""Unreadable rows of each sort."""


def bot_acts(
    first_user: int, n_products: int, start_ms: int, visit: int, rng: np.random.Generator
) -> list[Act]:
    """Three programs: one that reads the catalogue at speed, one with a beat, one without sleep."""
    fast_gap, beat, hour = 400, 20_000, 3_600_000
    begin = start_ms + 20 * DAY_MS + 3 * hour
    moments = [
        [begin + fast_gap * k for k in range(600)],
        [begin + 5 * DAY_MS + beat * k for k in range(500)],
        [begin + 9 * DAY_MS + hour * h + int(at) for h in range(72) for at in _within(hour, rng)],
    ]
    return [
        Act(first_user + bot, int(rng.integers(n_products)), "view", moment, visit + bot)
        for bot, times in enumerate(moments)
        for moment in times
    ]


def _within(hour: int, rng: np.random.Generator) -> list[int]:
    return sorted(rng.integers(0, hour, 14).tolist())


def double_submissions(acts: list[Act], n: int, rng: np.random.Generator) -> list[Act]:
    """Carts and purchases sent again within two seconds, as when a button is pressed twice."""
    pressed = [act for act in acts if act.kind in {"add_to_cart", "purchase"}]
    chosen = rng.choice(len(pressed), min(n, len(pressed)), replace=False)
    later = rng.integers(300, 1900, len(chosen)).tolist()
    return [
        pressed[at]._replace(time_ms=pressed[at].time_ms + ms)
        for at, ms in zip(chosen.tolist(), later, strict=True)
    ]


def unreadable_rows(events: pa.Table, rng: np.random.Generator) -> dict[str, list[dict[str, str]]]:
    """By what is wrong, rows of strings: copies of good rows with some columns spoilt."""
    out: dict[str, list[dict[str, str]]] = {}
    for reason, spoilt in UNREADABLE_EVENTS.items():
        chosen = events.take(pa.array(rng.choice(len(events), OF_EACH, replace=False)))
        out[reason] = [row | spoilt for row in chosen.to_pylist()]
    return out


def repeated_reviews(reviews: list[Review], n: int, rng: np.random.Generator) -> list[Review]:
    """Reviews stored twice."""
    chosen = rng.choice(len(reviews), min(n, len(reviews)), replace=False)
    return [reviews[at] for at in sorted(chosen.tolist())]
