"""`shelfwise explain-fusion`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.table import Table

from shelfwise.app import Shop
from shelfwise.cli.options import Overrides, Quiet, ShopPath
from shelfwise.cli.screen import out, progress_bar, write_text
from shelfwise.pipeline.explain_fusion import FusionExplanation, explained, measured_anew


def explain_fusion(
    shop: ShopPath,
    refit: Annotated[
        bool,
        typer.Option("--refit", help="Fit the served ranker anew without each source: slow."),
    ] = False,
    json_file: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Also write it as JSON.")
    ] = None,
    overrides: Overrides = None,
    quiet: Quiet = False,
) -> None:
    """Show what each model adds to the fusion, and why this way of fusing serves."""
    opened = Shop.open(shop, overrides or ())
    found = explained(opened.about(), opened.live().version)
    if refit:
        with progress_bar(quiet) as progress:
            found = measured_anew(opened.dataset(), opened.config, found, progress)
    if json_file is not None:
        write_text(json_file, json.dumps(msgspec.to_builtins(found), indent=1))
    for table in (_sources(found), _alternatives(found), _probabilities(found)):
        if table.row_count:
            out.print(table)
    out.print(found.says)
    if found.features:
        told = ", ".join(f"{name} {weight:+.2f}" for name, weight in found.features.items())
        out.print(f"Largest weights of other features: {told}")


def _sources(found: FusionExplanation) -> Table:
    table = Table(title=f"Sources, on {found.held_out:,} held-out requests", title_justify="left")
    table.add_column("source")
    for heading in (
        f"NDCG@{found.k} alone",
        "share of score",
        f"lift ({found.lift_of})",
        "95 % interval",
    ):
        table.add_column(heading, justify="right")
    table.add_column("most like")
    for one in found.sources:
        low, high = one.lift_ci95 or (0.0, 0.0)
        table.add_row(
            one.source,
            f"{one.ndcg_alone:.4f}",
            "" if one.share_of_score is None else f"{one.share_of_score:.0%}",
            "" if one.lift is None else f"{one.lift:+.4f}",
            "" if one.lift_ci95 is None else f"{low:+.4f} … {high:+.4f}",
            "" if one.most_like is None else f"{one.most_like} ({one.correlation:.2f})",
        )
    return table


def _alternatives(found: FusionExplanation) -> Table:
    table = Table(title="Ways of fusing, from simple to complex", title_justify="left")
    table.add_column("ranker")
    table.add_column(f"NDCG@{found.k}", justify="right")
    table.add_column("against the best simpler one")
    table.add_column("certainty", justify="right")
    table.add_column("fit, CPU s", justify="right")
    for one in found.alternatives:
        against = "" if one.over is None else f"{one.difference:+.4f} over {one.over}"
        sure = "" if one.certainty is None else f"{one.certainty:.0%}"
        table.add_row(
            one.kind + (" (serves)" if one.serves else ""),
            f"{one.ndcg:.4f}",
            against + (", taken" if one.taken else ""),
            sure,
            "" if one.fit_seconds is None else f"{one.fit_seconds:.1f}",
        )
    if table.row_count:
        table.add_row("a perfect order", f"{found.ceiling:.4f}", "", "", "")
    return table


def _probabilities(found: FusionExplanation) -> Table:
    table = Table(title="Probabilities, on requests not learnt from", title_justify="left")
    table.add_column("of a")
    for heading in (
        "requests",
        "happened",
        "promised",
        "calibration error",
        "within",
        "promised by",
    ):
        table.add_column(heading, justify="right")
    if any(one.log_loss for one in found.probabilities.values()):
        table.caption = "After what promises: log loss of either, in nats a product."
    for name, one in found.probabilities.items():
        table.add_row(
            name,
            f"{one.requests:,}",
            f"{one.rate:.2%}",
            f"{one.promised:.2%}",
            f"{one.calibration_error:.3%}",
            "next choice" if one.days is None else f"{one.days:.0f} days",
            one.by + "".join(f", {by} {loss:.4f}" for by, loss in one.log_loss.items()),
        )
    return table
