"""`shelfwise init`."""

from __future__ import annotations

from shelfwise.app import Shop
from shelfwise.cli.options import ShopPath
from shelfwise.cli.screen import out


def init(shop: ShopPath) -> None:
    """Make the folder of a new shop."""
    Shop.create(shop)
    out.print(f"{shop} is a shop. Next: shelfwise ingest {shop} --events FILE --products FILE")
