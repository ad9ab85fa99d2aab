"""The application of the shop that SHELFWISE_SHOP names; each worker builds its own."""

from __future__ import annotations

import gc
import json
import os
import sys
from collections.abc import Callable, Sequence

from starlette.applications import Starlette
from starlette.routing import BaseRoute

from shelfwise.app import Shop
from shelfwise.pipeline.live import LiveShop
from shelfwise.serving.app import create_app
from shelfwise.serving.reload import Versions
from shelfwise.serving.server import OVERRIDES_VARIABLE, SHOP_VARIABLE, stop_with_parent

Pages = Callable[[Shop, LiveShop], Sequence[BaseRoute]]
"""Makes further routes over the shop that answers."""


def create(pages: Pages | None = None) -> Starlette:
    """The API of the shop, with further `pages` behind it."""
    stop_with_parent()
    overrides = json.loads(os.environ.get(OVERRIDES_VARIABLE, "[]"))
    shop = Shop.open(os.environ[SHOP_VARIABLE], overrides)
    live = shop.live()
    app = create_app(
        live,
        shop.log(),
        pages=pages(shop, live) if pages is not None else (),
        versions=Versions(shop.promoted, shop.opened),
    )
    # The models live as long as the process: without them to look through, the collector's longest
    # pause goes from tens of milliseconds to less than one.
    gc.collect()
    gc.freeze()
    # The log's writer thread waits for its turn a handful of times in a commit; with Python's own
    # 5 ms a turn an event took twice as long under a full load of questions (some 22 ms, not 11).
    sys.setswitchinterval(0.0005)
    return app
