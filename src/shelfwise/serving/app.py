"""The Starlette application of one shop."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from itertools import groupby

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from shelfwise.serving.endpoint import Call, Endpoint, PathApp
from shelfwise.serving.errors import MethodError, NotFoundError, error_reply, internal_error
from shelfwise.serving.limits import MAX_IN_FLIGHT, InFlightLimit
from shelfwise.serving.live import Live
from shelfwise.serving.openapi import openapi
from shelfwise.serving.reload import Versions
from shelfwise.serving.reply import Reply
from shelfwise.serving.routes import ENDPOINTS
from shelfwise.serving.service import Service
from shelfwise.store.event_log import EventLog


def create_app(
    live: Live,
    log: EventLog,
    *,
    pages: Sequence[BaseRoute] = (),
    now_ms: Callable[[], int] | None = None,
    max_in_flight: int = MAX_IN_FLIGHT,
    versions: Versions | None = None,
) -> Starlette:
    """The application; it closes `log` when it stops. `pages` are further routes, after the API's.

    `live` must have counted the log up to its own `offset`; the application applies what follows.
    With `versions` it changes over to a newer version when one is promoted.
    """
    service = Service.of(live, log, now_ms or _now_ms, versions)

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        service.follower.catch_up()
        running = [
            asyncio.create_task(service.follower.follow()),
            asyncio.create_task(service.reload.watch()),
        ]
        try:
            yield
        finally:
            for task in running:
                task.cancel()
            for task in running:
                with suppress(asyncio.CancelledError):
                    await task
            log.close()

    app = Starlette(
        routes=[*_api(service), *pages],
        lifespan=lifespan,
        middleware=[Middleware(InFlightLimit, most=max_in_flight)],
        exception_handlers={HTTPException: _refused, Exception: _failed},
    )
    app.router.redirect_slashes = False
    return app


def _api(service: Service) -> Iterator[Route]:
    described = Reply.json(openapi(ENDPOINTS))

    async def description(_service: Service, _call: Call) -> Reply:
        return described

    document = Endpoint("GET", "/openapi.json", description, "This description")
    for path, endpoints in groupby((*ENDPOINTS, document), key=lambda endpoint: endpoint.path):
        # `:path` lets an id hold a slash, sent as %2F.
        pattern = path.replace("{id}", "{id:path}")
        yield Route(pattern, PathApp(service, list(endpoints)))


async def _refused(request: Request, error: Exception) -> Response:
    """What Starlette itself refuses, in our shape."""
    if isinstance(error, HTTPException) and error.status_code == 405:
        allowed = (error.headers or {}).get("Allow", "another method")
        return _response(error_reply(MethodError(request.method[:20], allowed)))
    return _response(
        error_reply(NotFoundError("There is no such page.", remedy="See /openapi.json."))
    )


async def _failed(_request: Request, _error: Exception) -> Response:
    return _response(internal_error())


def _response(reply: Reply) -> Response:
    return Response(reply.body, reply.status, dict(reply.headers), reply.media_type)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
