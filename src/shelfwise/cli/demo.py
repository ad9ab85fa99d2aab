"""`shelfwise demo`."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from shelfwise.app import Shop
from shelfwise.cli.options import Quiet
from shelfwise.cli.recommend import slate_table
from shelfwise.cli.screen import out, progress_bar
from shelfwise.cli.serve import serve
from shelfwise.cli.train import trained_table
from shelfwise.evaluation.leaderboard import leaderboard


def demo(
    shop: Annotated[Path, typer.Argument(metavar="SHOP", help="Folder for the demo shop.")],
    serve_it: Annotated[bool, typer.Option("--serve/--no-serve", help="Serve it after.")] = True,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port.")] = 8000,
    seed: Annotated[int, typer.Option(min=0, help="Of the simulated shop.")] = 0,
    quiet: Quiet = False,
) -> None:
    """Simulate a shop, ingest it, train, evaluate, recommend; then serve it."""
    from shelfwise.ingest.demo_shop import DemoConfig, simulate  # noqa: PLC0415 - only the demo

    opened = Shop.create(shop)
    config = DemoConfig()
    # ends yesterday, so that the shop is alive when it is looked at
    first_day = datetime.now(UTC).date() - timedelta(days=config.days)
    config = config.model_copy(update={"start": first_day})
    files = simulate(config, seed).write_csv(shop / "export")
    out.print(f"[bold]A simulated shop[/bold] was written to {shop / 'export'}")
    with progress_bar(quiet) as progress:
        report = opened.ingest(
            events=files.events, products=files.products, reviews=files.reviews, progress=progress
        )
    for table in report.tables():
        out.print(table)
    with progress_bar(quiet) as progress:
        evaluated = opened.evaluate("temporal", progress=progress)
    out.print(leaderboard(evaluated.report))
    with progress_bar(quiet) as progress:
        published = opened.train(progress=progress)
    out.print(trained_table(opened.about(published.version)))
    shopper = opened.live().some_shopper()
    out.print(f"What shopper [bold]{shopper}[/bold] should see:")
    out.print(slate_table(opened, opened.recommend(user_id=shopper, n=5)))
    if serve_it:
        serve(shop, port=port)
