"""`shelfwise train`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from rich.table import Table

from shelfwise.app import Shop
from shelfwise.cli.chosen import print_plan
from shelfwise.cli.options import AsJson, Overrides, Quiet, ShopPath
from shelfwise.cli.screen import out, print_json, progress_bar
from shelfwise.core.columns import INTEREST_TYPES
from shelfwise.core.errors import BadInputError


def train(
    shop: ShopPath,
    until: Annotated[
        str | None, typer.Option(help="Forget everything from this time on (date or ISO time).")
    ] = None,
    overrides: Overrides = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Train all models and their fusion; the new version answers unless it is worse."""
    opened = Shop.open(shop, overrides or ())
    with progress_bar(quiet) as progress:
        published = opened.train(until_ms=_time_ms(until), progress=progress)
    about = opened.about(published.version)
    if as_json:
        print_json(about | {"version": published.version, "promoted": published.promoted})
        return
    print_plan(about["plan"])
    out.print(trained_table(about))
    if about["learnt_event_weights"]:
        out.print(f"Learnt weights of events: {_listed(about['learnt_event_weights'])}.")
    out.print(about["fusion"]["says"])
    out.print(f"Version {published.version}. {published.says}")


def _listed(weights: dict[str, float]) -> str:
    return ", ".join(f"{name} {weights[name]:.2f}" for name in INTEREST_TYPES)


def trained_table(about: dict[str, Any]) -> Table:
    """Held-out quality of each model and of their fusion, from a bundle's `about`."""
    fusion = about["fusion"]
    table = Table(title=f"Trained on {about['events']:,} events", title_justify="left")
    table.add_column("model")
    table.add_column("fit, s", justify="right")
    table.add_column(f"held-out NDCG@{fusion['k']}", justify="right")
    for name in about["models"]:
        alone = fusion["ndcg_single"].get(name)
        serves = " (serves)" if name == fusion["chosen"] else ""
        table.add_row(
            name + serves,
            f"{about['fit_seconds'][name]:.1f}",
            "" if alone is None else f"{alone:.4f}",
        )
    for name, value in fusion["ndcg"].items():
        chosen = " (serves)" if name == fusion["chosen"] else ""
        table.add_row(f"fusion: {name}{chosen}", "", f"{value:.4f}", style="bold")
    return table


def _time_ms(text: str | None) -> int | None:
    if text is None:
        return None
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        raise BadInputError(
            f"--until '{text}' is not a time.", remedy="Write 2026-01-31 or 2026-01-31T12:00:00Z."
        ) from None
    return int((when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp() * 1000)
