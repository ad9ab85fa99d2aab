"""The report as a table for the terminal."""

from __future__ import annotations

import math

from rich.table import Table

from shelfwise.evaluation.calibration import Promise
from shelfwise.evaluation.report import EvaluationReport
from shelfwise.evaluation.summary import ModelSummary


def leaderboard(report: EvaluationReport) -> Table:
    """A Rich table: one row a model, best NDCG first, the fusion in bold; the verdict below.

    `p` is of the difference from the first row, corrected for all pairs of models.
    """
    k = report.k
    paid = any(one.revenue is not None for one in report.models)
    table = Table(
        title=f"{report.protocol} · {report.data.test_users:,} shoppers asked",
        caption="\n".join(filter(None, (report.verdict(), *kept(report), _fairness(report)))),
        caption_justify="left",
    )
    table.add_column("model", no_wrap=True)
    headings = [f"NDCG@{k}", "95% interval", "p", f"recall@{k}", f"MRR@{k}", f"coverage@{k}"]
    for heading in [*headings, *(["revenue"] if paid else []), "fit"]:
        table.add_column(heading, justify="right", no_wrap=True)
    for one in report.models:
        table.add_row(
            *_cells(one, report, paid=paid), style="bold" if one.name == report.fusion else ""
        )
    return table


def _cells(one: ModelSummary, report: EvaluationReport, *, paid: bool) -> list[str]:
    best = report.models[0].name
    money = [f"{one.revenue.recall.mean:.1%}" if one.revenue else "–"] if paid else []
    return [
        one.name,
        figure(one.ndcg.mean),
        f"{figure(one.ndcg.low)}–{figure(one.ndcg.high)}",
        "" if one.name == best else chance(report.pair(best, one.name).p_holm),
        figure(one.recall),
        figure(one.mrr),
        f"{one.lists.coverage:.1%}",
        *money,
        f"{one.fit_seconds:.1f} s",
    ]


def kept(report: EvaluationReport) -> list[str]:
    """A sentence for each outcome that chances were promised of."""
    return [
        f"Promised chance of a {name} in the first {report.k} places:"
        f" {one.promised:.2%}{_within(one)}; it happened in {one.fit.base_rate:.2%},"
        f" calibration error {one.fit.expected_calibration_error:.2%}."
        for name, one in report.promises.items()
    ]


def _within(promise: Promise) -> str:
    """Within how many days, where the tested window is not the promised one."""
    if promise.days is None or promise.learnt_days is None:
        return ""
    if abs(promise.days - promise.learnt_days) < 1:
        return f" within {promise.days:.0f} days"
    return f" within {promise.learnt_days:.0f} days, tested over {promise.days:.0f}"


def _fairness(report: EvaluationReport) -> str:
    n = len(report.leak_checks)
    passed = sum(one.passed for one in report.leak_checks)
    return f"Leak checks passed: {passed} of {n}." if n else ""


def chance(p_value: float) -> str:
    """A p-value, three decimals; those too small for that as below .001."""
    if math.isnan(p_value):
        return "–"
    return "<.001" if p_value < 0.001 else f"{p_value:.3f}".removeprefix("0")


def figure(value: float) -> str:
    """Four decimals without the leading zero, as rankings are read; a dash where there is none."""
    return "–" if math.isnan(value) else f"{value:.4f}".removeprefix("0")
