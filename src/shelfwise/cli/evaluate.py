"""`shelfwise evaluate`."""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from shelfwise.app import Shop
from shelfwise.cli.chosen import print_notices
from shelfwise.cli.options import Overrides, Quiet, ShopPath
from shelfwise.cli.screen import out, progress_bar, write_text
from shelfwise.evaluation.leaderboard import leaderboard


class Protocol(StrEnum):
    """How to test honestly."""

    temporal = "temporal"
    leave_one_out = "leave-one-out"


def evaluate(
    shop: ShopPath,
    protocol: Annotated[Protocol, typer.Option(help="How to hold back the truth.")] = (
        Protocol.temporal
    ),
    models: Annotated[
        str | None, typer.Option(help="Only these models and their fusion: a,b,c.")
    ] = None,
    k: Annotated[int, typer.Option(min=1, max=1000, help="Length of the lists.")] = 10,
    json_file: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Also write the report as JSON.")
    ] = None,
    train_on_validation: Annotated[
        bool,
        typer.Option(
            help="Leave-one-out: train the final models on the validation item too.",
        ),
    ] = True,
    overrides: Overrides = None,
    quiet: Quiet = False,
) -> None:
    """Test the models and their fusion on the shop's own past, honestly."""
    opened = Shop.open(shop, overrides or ())
    with progress_bar(quiet) as progress:
        evaluated = opened.evaluate(
            protocol.value,
            models=[name.strip() for name in models.split(",")] if models else None,
            k=k,
            train_on_validation=train_on_validation,
            progress=progress,
        )
    if json_file is not None:
        write_text(json_file, json.dumps(evaluated.report.to_dict(), indent=1))
    out.print(leaderboard(evaluated.report))
    out.print(evaluated.plan.says())
    print_notices(evaluated.plan.notices)
    out.print(f"Report with plots: {evaluated.html}", soft_wrap=True)
