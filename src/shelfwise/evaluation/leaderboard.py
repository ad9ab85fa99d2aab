"""The report as a table for the terminal."""

from __future__ import annotations

import math

from rich.table import Table

from shelfwise.evaluation.report import EvaluationReport, ModelSummary


def leaderboard(report: EvaluationReport) -> Table:
    """A Rich table: one row a model, best NDCG first, the fusion in bold; the verdict below."""
    k = report.k
    table = Table(
        title=f"{report.protocol} · {report.data.test_users:,} shoppers asked",
        caption=report.verdict(),
        caption_justify="left",
    )
    table.add_column("model", no_wrap=True)
    for heading in (f"NDCG@{k}", "95% interval", f"recall@{k}", f"MRR@{k}", f"coverage@{k}", "fit"):
        table.add_column(heading, justify="right", no_wrap=True)
    for one in report.models:
        table.add_row(*_cells(one), style="bold" if one.name == report.fusion else "")
    return table


def _cells(one: ModelSummary) -> list[str]:
    return [
        one.name,
        figure(one.ndcg.mean),
        f"{figure(one.ndcg.low)}–{figure(one.ndcg.high)}",
        figure(one.recall),
        figure(one.mrr),
        f"{one.coverage:.1%}",
        f"{one.fit_seconds:.1f} s",
    ]


def figure(value: float) -> str:
    """Four decimals without the leading zero, as rankings are read; a dash where there is none."""
    return "–" if math.isnan(value) else f"{value:.4f}".removeprefix("0")
