"""`shelfwise ingest`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from shelfwise.app import Shop
from shelfwise.cli.options import AsJson, Quiet, ShopPath
from shelfwise.cli.screen import out, print_json, progress_bar


def ingest(
    shop: ShopPath,
    events: Annotated[
        list[Path] | None, typer.Option(help="What shoppers did: a file; may be repeated.")
    ] = None,
    products: Annotated[
        list[Path] | None, typer.Option(help="What the products are: a file; may be repeated.")
    ] = None,
    reviews: Annotated[
        list[Path] | None, typer.Option(help="What people wrote: a file; may be repeated.")
    ] = None,
    format: Annotated[  # noqa: A002 - the option is called --format
        str, typer.Option(help="The files' format, or auto to find out.")
    ] = "auto",
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Read files into the shop: CSV, JSON lines or Parquet, also .gz and .zst."""
    if not (events or products or reviews):
        raise typer.BadParameter("give at least one of --events, --products, --reviews")
    opened = Shop.open(shop)
    with progress_bar(quiet) as progress:
        report = opened.ingest(
            events=events or (),
            products=products or (),
            reviews=reviews or (),
            format=format,
            progress=progress,
        )
    if as_json:
        print_json(report.as_dict())
    else:
        for table in report.tables():
            out.print(table)
