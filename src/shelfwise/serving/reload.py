"""A newly promoted version answers without a restart, and no request is dropped for it.

The pointer to the current version is looked at once a second. A version that is new is opened in a
thread, asked a question to warm it up, and brought level with the log there; then, between two
requests, the shop that answers becomes the new one. A version that cannot be opened changes
nothing: the old one goes on, and `trouble` and the log say why.
"""

from __future__ import annotations

import asyncio
import gc
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from shelfwise.core.errors import ShelfwiseError
from shelfwise.core.question import Question
from shelfwise.serving.follower import Follower
from shelfwise.serving.live import Live
from shelfwise.store.event_log import EventLog

EVERY_SECONDS: Final = 1.0
"""How often the pointer to the current version is looked at."""
_LOG: Final = logging.getLogger(__name__)


@dataclass(frozen=True)
class Versions:
    """Where newer versions of the shop come from."""

    current: Callable[[], tuple[str, int] | None]
    """The version that is to answer, and a mark that changes whenever it is promoted (again)."""
    load: Callable[[str], Live]
    """The version, opened; raises `ShelfwiseError` when it cannot be. Called in a thread."""


class Reload:
    """Keeps `live` the version that is current; belongs to one event loop, as `live` does."""

    def __init__(
        self, live: Live, follower: Follower, log: EventLog, versions: Versions | None
    ) -> None:
        self._live = live
        self._follower = follower
        self._log = log
        self._versions = versions
        self._refused: tuple[str, int] | None = None
        self.trouble = ""
        """Why the current version does not answer, empty when it does."""

    async def watch(self) -> None:
        """Never returns: looks for a newer version every second."""
        while self._versions is not None:
            await asyncio.sleep(EVERY_SECONDS)
            await self.look(self._versions)

    async def look(self, versions: Versions) -> None:
        """Changes over to the current version where it is another than the one that answers."""
        meant = None
        try:
            meant = await asyncio.to_thread(versions.current)
            if meant is None or meant[0] == self._live.version:
                self.trouble = ""
                return
            if meant != self._refused:
                newer, offset = await asyncio.to_thread(self._opened, versions, meant[0])
                self._change_over(newer, offset)
        except (ShelfwiseError, OSError) as error:
            self._refuse(meant, str(error))
        except Exception as error:  # noqa: BLE001 - whatever it is, the old version answers
            _LOG.exception("A new version could not be opened")
            self._refuse(meant, f"{type(error).__name__}, see the log")

    def _opened(self, versions: Versions, version: str) -> tuple[Live, int]:
        """The version, warm and nearly level with the log; how far it has read."""
        newer = versions.load(version)
        newer.recommend(Question(n=10), 0)
        follower = Follower(self._log, newer)
        follower.catch_up()
        return newer, follower.offset

    def _change_over(self, newer: Live, offset: int) -> None:
        follower = Follower(self._log, newer, offset)
        follower.catch_up()  # what came while this was on its way here: a few records
        before = self._live.version
        self._live.take_over(newer)
        self._follower.offset = follower.offset
        self._refused, self.trouble = None, ""
        gc.freeze()  # the new models too live as long as the process
        said = {"before": before, "now": self._live.version}
        _LOG.info("another version answers", extra={"said": said})

    def _refuse(self, meant: tuple[str, int] | None, why: str) -> None:
        name = "The current version" if meant is None else f"Version {meant[0]}"
        trouble = f"{name} cannot be opened: {why} Version {self._live.version} keeps answering."
        if trouble != self.trouble:
            _LOG.error("a new version was refused", extra={"said": {"why": trouble}})
        self._refused, self.trouble = meant, trouble
