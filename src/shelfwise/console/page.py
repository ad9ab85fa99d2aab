"""One page as data, and how it is answered: as HTML in the reader's language, or as JSON."""

from __future__ import annotations

import re
import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, Literal
from urllib.parse import quote, urlencode

import msgspec
from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import Response

from shelfwise.app import Shop
from shelfwise.console import figures
from shelfwise.console.assets import asset_address
from shelfwise.console.errors import STATUS, PageError, page_error
from shelfwise.console.language import COOKIE, ByLanguage, Language, language_of
from shelfwise.console.words.frame import FRAME
from shelfwise.core.errors import ShelfwiseError
from shelfwise.pipeline.live import LiveShop

MAX_ADDRESS: Final = 4_096
"""Most bytes of path and query that are read."""
SESSION_COOKIE: Final = "shelfwise_session"
_SESSION: Final = re.compile("[A-Za-z0-9_-]{22}")
_YEAR: Final = 365 * 24 * 3600
SECURITY: Final = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:;"
        " connect-src 'self'; frame-src 'self'; form-action 'self'; base-uri 'none';"
        " frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cache-control": "no-store",
}
"""Headers of every page: nothing from elsewhere, nothing inline, nothing kept by the browser."""


@dataclass(frozen=True)
class Site:
    """The shop whose pages these are."""

    shop: Shop
    live: LiveShop
    now_ms: Callable[[], int]


@dataclass(frozen=True)
class Asked:
    """One request for a page."""

    language: Language
    params: Mapping[str, str]
    """What the address says after `?`, without what is left empty."""
    id: str
    """The id in the path, empty where there is none."""
    session_id: str
    """The visit, from its cookie; a new one where there was none."""


@dataclass(frozen=True)
class Page:
    """One page: what it shows, and in which words."""

    path: str
    template: str
    view: Callable[[Site, Asked], Awaitable[object]]
    words: ByLanguage[Any]
    frame: Literal["console", "shop"] = "console"
    """The navigation around it."""


async def answer(
    page: Page, site: Site, request: Request, *, as_json: bool, path_id: str = ""
) -> Response:
    """The page, or what is wrong with the request, with the right status."""
    asked = _asked(request, path_id)
    view, error = None, None
    try:
        _check_length(request)
        view = await page.view(site, asked)
    except (PageError, ShelfwiseError) as raised:
        error = page_error(raised)
    status = 200 if error is None else STATUS[error.key]
    if as_json:
        told = view if error is None else _error_json(error, asked.language)
        response = Response(msgspec.json.encode(told), status, SECURITY, "application/json")
    else:
        response = Response(_html(page, view, error, asked, request), status, SECURITY, "text/html")
    _set_cookies(response, page, request, asked)
    return response


def _asked(request: Request, path_id: str) -> Asked:
    params = {name: value for name, value in request.query_params.items() if value}
    language = language_of(
        params.get("lang"), request.cookies, request.headers.get("accept-language", "")
    )
    session = request.cookies.get(SESSION_COOKIE, "")
    if not _SESSION.fullmatch(session):
        session = secrets.token_urlsafe(16)
    return Asked(language, params, path_id, session)


def _check_length(request: Request) -> None:
    if len(request.scope["query_string"]) + len(request.scope["raw_path"]) > MAX_ADDRESS:
        raise PageError("too_long")


def _error_json(error: PageError, language: Language) -> dict[str, dict[str, str]]:
    words = FRAME.of(language)
    message = words.errors[error.key].format(value=error.value)
    return {"error": {"code": error.key, "message": message, "remedy": words.remedies[error.key]}}


def _html(page: Page, view: object, error: PageError | None, asked: Asked, request: Request) -> str:
    path = request.scope["raw_path"].decode("latin-1")
    other: Language = "zh" if asked.language == "en" else "en"
    said = [(name, value) for name, value in request.query_params.multi_items() if name != "lang"]
    too_long = error is not None and error.key == "too_long"
    here = "/console" if too_long else path
    return (
        _environment()
        .get_template(page.template if error is None else "error.html.jinja")
        .render(
            page=view,
            error=error,
            frame=page.frame,
            at=page.path,
            w=page.words.of(asked.language),
            c=FRAME.of(asked.language),
            asked=asked,
            other_language=other,
            other_address=f"{here}?{urlencode([] if too_long else [*said, ('lang', other)])}",
            json_address=f"{path}.json?{urlencode(said)}" if error is None else "",
        )
    )


def _set_cookies(response: Response, page: Page, request: Request, asked: Asked) -> None:
    if asked.params.get("lang") == asked.language:
        response.set_cookie(COOKIE, asked.language, _YEAR, httponly=True, samesite="lax")
    if page.frame == "shop" and request.cookies.get(SESSION_COOKIE) != asked.session_id:
        response.set_cookie(SESSION_COOKIE, asked.session_id, httponly=True, samesite="lax")


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("shelfwise.console"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    for name in ("number", "percent", "money", "when", "hue", "initials"):
        environment.filters[name] = getattr(figures, name)
    environment.filters["part"] = lambda text: quote(text, safe="")
    environment.globals["asset"] = asset_address
    return environment
