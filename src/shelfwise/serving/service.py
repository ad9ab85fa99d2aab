"""What every handler is given: the shop that answers, its log, and the counters."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from shelfwise.serving.follower import Follower
from shelfwise.serving.live import Live
from shelfwise.serving.metrics import Metrics
from shelfwise.serving.reload import Reload, Versions
from shelfwise.serving.together import Together
from shelfwise.store.event_log import Appended, EventLog
from shelfwise.store.log_record import Content


@dataclass(frozen=True)
class Service:
    """One shop, as one worker serves it."""

    live: Live
    log: EventLog
    follower: Follower
    now_ms: Callable[[], int]
    together: Together
    reload: Reload
    metrics: Metrics = field(default_factory=Metrics)
    changing: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held while a product is read, changed and written back."""

    @classmethod
    def of(
        cls,
        live: Live,
        log: EventLog,
        now_ms: Callable[[], int],
        versions: Versions | None = None,
    ) -> Service:
        """The service of a shop and its log; with `versions` it changes over to newer ones."""
        follower = Follower(log, live)
        reload = Reload(live, follower, log, versions)
        return cls(live, log, follower, now_ms, Together(live, now_ms), reload)

    async def store(self, contents: Sequence[Content], keys: Sequence[str | None] = ()) -> Appended:
        """The contents on the disk, and counted in every answer from now on."""
        appended = await asyncio.wrap_future(self.log.append(contents, keys))
        self.follower.apply_own(appended.records)
        return appended
