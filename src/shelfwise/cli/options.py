"""Arguments and options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

ShopPath = Annotated[Path, typer.Argument(metavar="SHOP", help="The shop's folder.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.")]
Overrides = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="A setting for this run: section.key=value."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
