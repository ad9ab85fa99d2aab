"""`shelfwise serve`, and what its processes run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from shelfwise.app import Shop
from shelfwise.cli.options import Overrides, ShopPath
from shelfwise.cli.screen import out

if TYPE_CHECKING:
    from starlette.applications import Starlette

SITE_APPLICATION = "shelfwise.cli:site"
"""What the server's processes are to run: `site`."""


def serve(
    shop: ShopPath,
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="Port.")] = None,
    workers: Annotated[int | None, typer.Option(min=1, max=64, help="Processes.")] = None,
    overrides: Overrides = None,
) -> None:
    """Serve the API, console and storefront on loopback (unless told otherwise) until stopped."""
    from shelfwise.serving.server import Listen  # noqa: PLC0415 - a server starts slowly
    from shelfwise.serving.server import serve as serve_shop  # noqa: PLC0415

    opened = Shop.open(shop, overrides or ())
    config = opened.config.serve
    listen = Listen(
        host or config.host, config.port if port is None else port, workers or config.workers
    )
    serve_shop(
        shop, listen, tuple(overrides or ()), application=SITE_APPLICATION, announce=_announce
    )


def site() -> Starlette:
    """The API, console and storefront of the shop that the environment names.

    Each of the server's workers builds its own.
    """
    from shelfwise.console.routes import pages  # noqa: PLC0415 - only the server needs these
    from shelfwise.serving.worker import create  # noqa: PLC0415

    return create(pages)


def _announce(url: str) -> None:
    for name, path in (("Console", "/console"), ("Storefront", "/shop"), ("API", "/openapi.json")):
        out.print(f"{name:<11} {url}{path}", highlight=False, soft_wrap=True)
