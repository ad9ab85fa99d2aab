"""The report as one HTML page that needs no network, no script and no other file."""

from __future__ import annotations

from datetime import UTC, datetime
from importlib.resources import files
from typing import Final

from jinja2 import Environment, StrictUndefined

from shelfwise.evaluation import charts
from shelfwise.evaluation.leaderboard import chance, figure, kept
from shelfwise.evaluation.popularity import ITEM_SEGMENTS
from shelfwise.evaluation.report import EvaluationReport

PROTOCOLS: Final = {
    "leave-one-out": (
        "Each shopper's last product was hidden and had to be found among the whole catalogue,"
        " given everything the shopper did before. Other shoppers' later events were known, so"
        " these figures compare with published ones, not with a live shop."
    ),
    "temporal": (
        "Everything after one moment was hidden. Each shopper was asked for at that moment, and"
        " what they chose afterwards had to be found among the whole catalogue, as in a live shop."
    ),
    "fixed": (
        "A division that others published was taken as it is, to compare with their figures: each"
        " shopper's test products had to be found among the whole catalogue."
    ),
}


def report_page(report: EvaluationReport) -> str:
    """The page as text; colours follow the reader's light or dark setting."""
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    environment.filters["figure"] = figure
    environment.filters["chance"] = chance
    template = environment.from_string(
        files("shelfwise.evaluation").joinpath("report.html.jinja").read_text("utf-8")
    )
    return template.render(
        report=report,
        k=report.k,
        explained=PROTOCOLS[report.protocol],
        cut=None if report.cut_ms is None else _as_time(report.cut_ms),
        item_segments=ITEM_SEGMENTS,
        ndcg_chart=charts.ndcg_chart(report),
        coverage_chart=charts.coverage_chart(report),
        segment_chart=charts.segment_chart(report),
        item_segment_chart=charts.item_segment_chart(report),
        exposure_chart=charts.exposure_chart(report),
        significance_chart=charts.significance_chart(report),
        kept=kept(report),
        reliability_chart=charts.reliability_chart(report),
    )


def _as_time(time_ms: int) -> str:
    return datetime.fromtimestamp(time_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M UTC")
