"""The `shelfwise` command: one command per stage of a shop's life, one file per command.

Results go to stdout, progress and errors to stderr. Exit status: 0 done, 1 it could not be done
(one line says why and what to do), 2 the command line was not understood.
"""

from __future__ import annotations

import sys

import typer

from shelfwise.cli.bench import bench
from shelfwise.cli.demo import demo
from shelfwise.cli.evaluate import evaluate
from shelfwise.cli.explain_fusion import explain_fusion
from shelfwise.cli.ingest import ingest
from shelfwise.cli.init import init
from shelfwise.cli.models import models
from shelfwise.cli.recommend import recommend
from shelfwise.cli.screen import err
from shelfwise.cli.serve import serve, site
from shelfwise.cli.train import train
from shelfwise.cli.tune import tune
from shelfwise.core.errors import ShelfwiseError

__all__ = ["app", "main", "site"]

COMMANDS = (
    init,
    ingest,
    train,
    evaluate,
    explain_fusion,
    tune,
    models,
    recommend,
    serve,
    bench,
    demo,
)
"""In the order of a shop's life, which is that of `shelfwise --help`."""

app = typer.Typer(
    name="shelfwise",
    help="A self-hosted recommender for shops: ingest, train, evaluate, recommend, serve.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for command in COMMANDS:
    app.command()(command)


def main() -> None:
    """Runs the command line; this is the `shelfwise` script."""
    try:
        app(standalone_mode=True)
    except ShelfwiseError as error:
        err.print(f"shelfwise: {error}", style="red", markup=False, soft_wrap=True)
        sys.exit(1)
    except OSError as error:
        where = f" {error.filename}:" if error.filename else ""
        err.print(f"shelfwise:{where} {error.strerror or error}.", markup=False, soft_wrap=True)
        sys.exit(1)
    except KeyboardInterrupt:
        err.print("shelfwise: interrupted; what was finished before is kept.")
        sys.exit(1)
