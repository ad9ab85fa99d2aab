"""One route as data, and the ASGI application that answers all methods of one path."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec
from starlette.types import Message, Receive, Scope, Send

from shelfwise.core.errors import ShelfwiseError
from shelfwise.serving.decoding import decode
from shelfwise.serving.errors import MediaTypeError, MethodError, TooLargeError, error_reply
from shelfwise.serving.reply import Reply
from shelfwise.serving.service import Service

MAX_BODY: Final = 1 << 20
"""Most bytes of a body that are read."""
CLIENT_GONE: Final = 499
"""Counted as the status of a request whose client went away before it had asked."""


@dataclass(frozen=True)
class Call:
    """One request on its way to its handler."""

    id: str
    """The id in the path, empty where the path has none."""
    body: Any
    """What the endpoint's decoder made of the body, the bytes where it has none."""


Handler = Callable[[Service, Call], Awaitable[Reply]]


@dataclass(frozen=True)
class Endpoint:
    """One method of one path."""

    method: str
    path: str
    """As OpenAPI writes it; `{id}` may hold any character."""
    handler: Handler
    summary: str
    bodies: tuple[type[msgspec.Struct], ...] = ()
    """The forms of the body. With more than one the handler decodes it."""
    answer: type[msgspec.Struct] | None = None
    status: int = 200
    media_type: str = "application/json"


class PathApp:
    """Answers one path; everything foreseen comes out as a `Reply`."""

    def __init__(self, service: Service, endpoints: Sequence[Endpoint]) -> None:
        self._service = service
        self._path = endpoints[0].path
        self._by_method = {endpoint.method: endpoint for endpoint in endpoints}
        self._decoders: dict[str, msgspec.json.Decoder[Any]] = {
            endpoint.method: msgspec.json.Decoder(endpoint.bodies[0])
            for endpoint in endpoints
            if len(endpoint.bodies) == 1
        }
        if "GET" in self._by_method:
            self._by_method["HEAD"] = self._by_method["GET"]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, by ASGI's rules."""
        began = time.perf_counter()
        method = scope["method"] if scope["method"] in self._by_method else "other"
        status = 500
        try:
            reply = await self._reply(scope, receive)
            status = CLIENT_GONE if reply is None else reply.status
            if reply is not None:
                await respond(reply, send)
        finally:
            took = time.perf_counter() - began
            self._service.metrics.request(self._path, method, status, took)

    async def _reply(self, scope: Scope, receive: Receive) -> Reply | None:
        """The answer; None when the client went away before it had asked."""
        try:
            endpoint = self._by_method.get(scope["method"])
            if endpoint is None:
                raise MethodError(scope["method"][:20], ", ".join(self._by_method))
            body: Any = b""
            if endpoint.bodies:
                body = await read_body(scope, receive)
                if body is None:
                    return None
                if endpoint.method in self._decoders:
                    body = decode(self._decoders[endpoint.method], body)
            call = Call(scope["path_params"].get("id", ""), body)
            return await endpoint.handler(self._service, call)
        except ShelfwiseError as error:
            return error_reply(error)


async def read_body(scope: Scope, receive: Receive) -> bytes | None:
    """The whole body, None when the client went away; refuses what is too long or no JSON."""
    headers: Mapping[bytes, bytes] = dict(scope["headers"])
    _check_media_type(headers)
    announced = headers.get(b"content-length", b"0")
    if announced.isdigit() and int(announced[:20]) > MAX_BODY:
        raise _too_large()
    parts: list[bytes] = []
    length = 0
    more = True
    while more:
        message: Message = await receive()
        if message["type"] == "http.disconnect":
            return None
        parts.append(message.get("body", b""))
        length += len(parts[-1])
        if length > MAX_BODY:
            raise _too_large()
        more = message.get("more_body", False)
    return parts[0] if len(parts) == 1 else b"".join(parts)


async def respond(reply: Reply, send: Send) -> None:
    """Sends the answer."""
    await send(
        {"type": "http.response.start", "status": reply.status, "headers": reply.raw_headers()}
    )
    await send({"type": "http.response.body", "body": reply.body})


def _check_media_type(headers: Mapping[bytes, bytes]) -> None:
    given = headers.get(b"content-type", b"application/json").decode("latin-1").lower()
    kind, _, parameters = given.partition(";")
    charset = parameters.partition("charset=")[2].strip(' "')
    encoding = headers.get(b"content-encoding", b"identity").decode("latin-1").lower()
    plain = encoding == "identity" and charset in {"", "utf-8", "utf8"}
    if kind.strip() != "application/json" or not plain:
        raise MediaTypeError(
            "The body must be plain JSON in UTF-8.", remedy="Send Content-Type: application/json."
        )


def _too_large() -> TooLargeError:
    return TooLargeError(
        f"The body has more than {MAX_BODY} bytes.", remedy="Send it in several requests."
    )
