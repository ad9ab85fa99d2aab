"""The style sheet and scripts of the pages, read once from the package."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.resources import files
from typing import Final

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

PATH: Final = "/console/assets/"
_TYPES: Final = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}


@cache
def _assets() -> dict[str, bytes]:
    folder = files("shelfwise.console").joinpath("assets")
    return {asset.name: asset.read_bytes() for asset in folder.iterdir()}


@cache
def asset_address(name: str) -> str:
    """Where the file is; the address changes with its content, so that browsers may keep it."""
    return f"{PATH}{name}?v={hashlib.sha256(_assets()[name]).hexdigest()[:12]}"


async def asset(request: Request) -> Response:
    """One file."""
    name = request.path_params["name"]
    content = _assets().get(name)
    if content is None:
        return PlainTextResponse("There is no such file.", 404)
    headers = {"cache-control": "max-age=31536000, immutable", "x-content-type-options": "nosniff"}
    return Response(content, headers=headers, media_type=_TYPES[name.rpartition(".")[2]])
