"""A limit on requests in flight: beyond it the server says so at once instead of slowing down."""

from __future__ import annotations

import asyncio
from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

from shelfwise.core.errors import OverloadError
from shelfwise.serving.endpoint import respond
from shelfwise.serving.errors import error_reply

MAX_IN_FLIGHT: Final = 256
"""At 3 ms an answer the last in the queue waits less than a second."""
_ALWAYS: Final = frozenset({"/healthz", "/readyz", "/metrics"})


class InFlightLimit:
    """Refuses a request when `most` are being answered already; health and metrics always pass."""

    def __init__(self, app: ASGIApp, most: int = MAX_IN_FLIGHT) -> None:
        self._app = app
        self._most = most
        self._now = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, by ASGI's rules."""
        if scope["type"] != "http" or scope["path"] in _ALWAYS:
            await self._app(scope, receive, send)
            return
        if self._now >= self._most:
            error = OverloadError(
                f"{self._now} requests are being answered already.", remedy="Try again shortly."
            )
            await respond(error_reply(error), send)
            return
        self._now += 1
        try:
            # Answers are made without a pause, so requests that came in together would never see
            # each other in flight: one turn of the loop lets all of them be counted first.
            await asyncio.sleep(0)
            await self._app(scope, receive, send)
        finally:
            self._now -= 1
