"""`shelfwise bench`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def bench(
    name: Annotated[str, typer.Argument(help="Which benchmark, or all.")],
    json_file: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Also write the figures as JSON.")
    ] = None,
) -> None:
    """Run a benchmark of the source checkout, each beside a peer or a physical limit."""
    from shelfwise.pipeline.bench import run_benchmark  # noqa: PLC0415 - only this command needs it

    run_benchmark(name, json_file)
