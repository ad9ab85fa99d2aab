"""`shelfwise tune`."""

from __future__ import annotations

from typing import Annotated

import msgspec
import typer
from rich.table import Table

from shelfwise.app import Shop
from shelfwise.cli.options import AsJson, Overrides, Quiet, ShopPath
from shelfwise.cli.screen import out, print_json, progress_bar


def tune(
    shop: ShopPath,
    minutes: Annotated[float, typer.Option(min=0.01, help="How long to search.")] = 10.0,
    overrides: Overrides = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Search better settings of the models on validation data; write them to shop.toml."""
    opened = Shop.open(shop, overrides or ())
    with progress_bar(quiet) as progress:
        tuned = opened.tune(minutes, progress)
    if as_json:
        print_json(msgspec.to_builtins(tuned))
        return
    table = Table(title="Validation NDCG@10", title_justify="left")
    for heading in ("model", "before", "after", "tries", "kept"):
        table.add_column(heading, justify="left" if heading in {"model", "kept"} else "right")
    for one in tuned:
        kept = ", ".join(f"{key} = {value:g}" for key, value in one.settings.items())
        figures = (f"{one.before:.4f}", f"{one.after:.4f}", str(one.tries))
        table.add_row(one.model, *figures, kept or "as it was")
    out.print(table)
    out.print(f"Written to {shop / 'shop.toml'}. Next: shelfwise train {shop}")
