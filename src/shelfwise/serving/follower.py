"""Keeps a live shop level with the log: every record once, in the order of the log."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import Final

from shelfwise.core.errors import StorageError
from shelfwise.serving.live import Live
from shelfwise.store.event_log import EventLog
from shelfwise.store.log_record import Record

EVERY_SECONDS: Final = 0.05
"""How often the log is asked for what other processes wrote."""
_BATCH: Final = 500
_LOG: Final = logging.getLogger(__name__)


class Follower:
    """Applies records to `live`; belongs to one event loop."""

    def __init__(self, log: EventLog, live: Live, offset: int | None = None) -> None:
        self._log = log
        self._live = live
        self.offset = live.offset if offset is None else offset
        """The last record that was applied."""
        self.trouble = ""
        """Why the log could not be read the last time, empty when it could."""

    def apply_own(self, records: Sequence[Record]) -> None:
        """Applies what this process has just written, and before it what others wrote before."""
        if not records or records[-1].offset <= self.offset:
            return
        if records[0].offset == self.offset + 1:
            self._apply(records)
        else:
            self.catch_up()

    def catch_up(self) -> None:
        """Applies everything that is in the log by now."""
        for records in self._log.tail(self.offset):
            self._apply(records)

    async def follow(self) -> None:
        """Never returns: applies what other processes write, soon after they do."""
        while True:
            try:
                records = self._log.read(self.offset, _BATCH)
                self.trouble = ""
            except StorageError as error:
                records = []
                self.trouble = str(error)
            self._apply(records)
            await asyncio.sleep(0 if len(records) == _BATCH else EVERY_SECONDS)

    def _apply(self, records: Sequence[Record]) -> None:
        """Applies each record by itself: one that cannot be, by a bug of ours, costs no other."""
        for record in records:
            self.offset = record.offset
            try:
                self._live.apply([record])
            except Exception:  # noqa: BLE001 - whatever it is, it is logged and the shop goes on
                _LOG.exception("A record of kind %s could not be applied", record.kind)
