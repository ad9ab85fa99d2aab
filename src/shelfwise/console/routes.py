"""Every page of the console and the storefront, as data; each is also there as `.json`.

To add one: its file with a `Page`, its template, its words, its line below, its test.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import Final

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from shelfwise.app import Shop
from shelfwise.console import assets, evaluation, overview, shopper, storefront
from shelfwise.console.errors import PageError
from shelfwise.console.page import Asked, Page, Site, answer
from shelfwise.console.words.overview import OVERVIEW
from shelfwise.console.words.storefront import STOREFRONT
from shelfwise.pipeline.live import LiveShop

PAGES: Final = (overview.PAGE, shopper.PAGE, evaluation.PAGE, storefront.HOME)
"""The pages without an id in their path."""
JSON: Final = ".json"
Endpoint = Callable[[Request], Awaitable[Response]]


async def _nowhere(_site: Site, _asked: Asked) -> object:
    raise PageError("no_page")


NOWHERE: Final = (
    Page("/console/", "error.html.jinja", _nowhere, OVERVIEW),
    Page("/shop/", "error.html.jinja", _nowhere, STOREFRONT, "shop"),
)


def pages(
    shop: Shop, live: LiveShop, now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000
) -> list[BaseRoute]:
    """The routes of all pages of the shop. Like `live` they belong to one event loop."""
    site = Site(shop, live, now_ms)

    async def report(request: Request) -> Response:
        return await evaluation.report(site, request)

    return [
        Route("/", _to_console),
        *(_route(page, site, as_json=as_json) for page in PAGES for as_json in (False, True)),
        Route("/shop/p/{id:path}", _product(site)),
        Route(evaluation.REPORTS + "{name}", report),
        Route(assets.PATH + "{name}", assets.asset),
        *(Route(page.path + "{rest:path}", _shown(page, site)) for page in NOWHERE),
    ]


async def _to_console(_request: Request) -> Response:
    return RedirectResponse("/console")


def _route(page: Page, site: Site, *, as_json: bool) -> Route:
    return Route(page.path + JSON * as_json, _shown(page, site, as_json=as_json))


def _shown(page: Page, site: Site, *, as_json: bool = False) -> Endpoint:
    async def endpoint(request: Request) -> Response:
        return await answer(page, site, request, as_json=as_json)

    return endpoint


def _product(site: Site) -> Endpoint:
    async def endpoint(request: Request) -> Response:
        item_id = request.path_params["id"]
        as_json = item_id.endswith(JSON) and site.live.product(item_id) is None
        named = item_id.removesuffix(JSON) if as_json else item_id
        return await answer(storefront.PRODUCT, site, request, as_json=as_json, path_id=named)

    return endpoint
