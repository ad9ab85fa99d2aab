"""Shoppers that are no people: programs that walk the shop at a pace or a beat no person has.

Only acts of browsing count, and only where their times are finer than a day: an invoice of 500
lines is one purchase, and whoever rates a hundred films in an evening is keen, not a robot. The
limits lie well outside what people do; each verdict carries its evidence.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pyarrow as pa

from shelfwise.ingest.scratch import Rows, register, scratch, with_place

AUTOMATED_SCHEMA: Final = pa.schema(
    [
        pa.field("user_id", pa.string()),  # one of the two is set
        pa.field("session_id", pa.string()),
        pa.field("reason", pa.string(), nullable=False),
        pa.field("evidence", pa.string(), nullable=False),
        pa.field("events", pa.int64(), nullable=False),  # browsing acts of this shopper
    ]
)

_DAY_MS: Final = 86_400_000
_BROWSING: Final = "('view', 'click', 'add_to_cart', 'remove_from_cart', 'wishlist', 'search')"


@dataclass(frozen=True)
class AutomatedConfig:
    """Where the pace of people ends. All limits must be passed, none is enough alone."""

    per_minute: int = 100
    """Acts within one minute …"""
    busy_seconds: int = 30
    """… spread over at least this many of its seconds (a page that loads at once is one second)."""
    per_day: int = 5000
    """Acts within one day …"""
    busy_minutes: int = 500
    """… spread over at least this many minutes."""
    waking_hours: int = 23
    """Hours of one day, each with at least `per_waking_hour` acts, after which sleep is due …"""
    per_waking_hour: int = 10
    """Acts in an hour that show someone is awake."""
    sleepless_days: int = 2
    """… and so on this many days."""
    steady_gaps: int = 60
    """Pauses (from 1 second to 1 hour) between acts that must be known to judge a beat."""
    steady_share: float = 0.9
    """Share of them within 5 % of the middle one that no person keeps up."""


def find_automated(
    events: Rows, temp: Path, memory_gb: float = 2.0, config: AutomatedConfig | None = None
) -> pa.Table:
    """`AUTOMATED_SCHEMA`: one row for each shopper flagged, with the strongest reason."""
    limits = config or AutomatedConfig()
    with scratch(temp, memory_gb) as connection:
        register(connection, events)
        connection.execute(_acts(events, limits))
        found = connection.sql(
            f"""SELECT CASE WHEN named THEN shopper END AS user_id,
                   CASE WHEN NOT named THEN shopper END AS session_id,
                   arg_min(reason, rank) AS reason, arg_min(evidence, rank) AS evidence, events
            FROM ({_fast(limits)} UNION ALL {_many(limits)} UNION ALL {_sleepless(limits)}
                  UNION ALL {_steady(limits)})
            JOIN (SELECT shopper, named, count(*) AS events FROM acts GROUP BY ALL)
                USING (shopper, named)
            GROUP BY ALL ORDER BY user_id, session_id"""
        ).to_arrow_table()
    return found.cast(AUTOMATED_SCHEMA)


def _acts(events: Rows, limits: AutomatedConfig) -> str:
    """SQL making `acts`: the browsing of those who do enough of it to be judged at all."""
    fewest = min(limits.per_minute, limits.steady_gaps, limits.per_day)
    return f"""
    CREATE TEMP TABLE acts AS
    WITH browsing AS (
        SELECT coalesce(user_id, session_id) AS shopper, user_id IS NOT NULL AS named, time_ms
        FROM {with_place(events)}
        WHERE timed AND event_type IN {_BROWSING} AND time_ms % {_DAY_MS} <> 0),
    busy AS (SELECT shopper, named FROM browsing GROUP BY ALL HAVING count(*) >= {fewest})
    FROM browsing SEMI JOIN busy USING (shopper, named)"""


def _fast(limits: AutomatedConfig) -> str:
    """More acts in a minute, over more of its seconds, than a hand can do."""
    return f"""(
    SELECT shopper, named, 1 AS rank, 'inhuman_rate' AS reason,
           max(n)::VARCHAR || ' acts within one minute' AS evidence
    FROM (SELECT shopper, named, sum(n) OVER last_minute AS n, count(*) OVER last_minute AS seconds
          FROM (SELECT shopper, named, time_ms // 1000 AS second, count(*) AS n
                FROM acts GROUP BY ALL)
          WINDOW last_minute AS (PARTITION BY shopper, named ORDER BY second
                                 RANGE BETWEEN 59 PRECEDING AND CURRENT ROW))
    WHERE n >= {limits.per_minute} AND seconds >= {limits.busy_seconds}
    GROUP BY shopper, named)"""


def _many(limits: AutomatedConfig) -> str:
    """More acts in a day than fit into one."""
    return f"""(
    SELECT shopper, named, 2 AS rank, 'inhuman_volume' AS reason,
           max(n)::VARCHAR || ' acts within one day' AS evidence
    FROM (SELECT shopper, named, time_ms // {_DAY_MS} AS day, count(*) AS n,
                 count(DISTINCT time_ms // 60000) AS minutes
          FROM acts GROUP BY ALL)
    WHERE n >= {limits.per_day} AND minutes >= {limits.busy_minutes}
    GROUP BY shopper, named)"""


def _sleepless(limits: AutomatedConfig) -> str:
    """Busy around the clock, day after day."""
    return f"""(
    SELECT shopper, named, 4 AS rank, 'never_sleeps' AS reason,
           'busy in {limits.waking_hours} hours or more of ' || count(*)::VARCHAR || ' days'
               AS evidence
    FROM (SELECT shopper, named, hour // 24 AS day
          FROM (SELECT shopper, named, time_ms // 3600000 AS hour FROM acts
                GROUP BY ALL HAVING count(*) >= {limits.per_waking_hour})
          GROUP BY ALL HAVING count(*) >= {limits.waking_hours})
    GROUP BY shopper, named HAVING count(*) >= {limits.sleepless_days})"""


def _steady(limits: AutomatedConfig) -> str:
    """A beat: nearly all pauses between acts equally long."""
    return f"""(
    SELECT shopper, named, 3 AS rank, 'inhuman_regularity' AS reason,
           round(100 * avg(even))::INT::VARCHAR || ' % of ' || count(*)::VARCHAR ||
           ' pauses last ' || round(any_value(middle) / 1000, 1)::VARCHAR || ' s' AS evidence
    FROM (SELECT shopper, named, middle, (abs(gap - middle) <= 0.05 * middle)::INT AS even
          FROM (SELECT shopper, named, gap, median(gap) OVER (PARTITION BY shopper, named) AS middle
                FROM (SELECT shopper, named, time_ms - lag(time_ms) OVER (
                          PARTITION BY shopper, named ORDER BY time_ms) AS gap FROM acts)
                WHERE gap BETWEEN 1000 AND 3600000))
    GROUP BY shopper, named
    HAVING count(*) >= {limits.steady_gaps} AND avg(even) >= {limits.steady_share})"""
