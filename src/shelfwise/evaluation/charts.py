"""The report's plots as SVG text to put into a page: Altair specifications drawn by vl-convert.

Nothing is fetched and no script runs in the page. Colours in the SVG are place-holders that the
page's style sheet replaces, so one drawing serves light and dark.
"""

from __future__ import annotations

import math
from typing import Any, Final

import altair as alt
import vl_convert

from shelfwise.evaluation.leaderboard import figure
from shelfwise.evaluation.report import SEGMENTS, EvaluationReport, ModelSummary

INK: Final = "#101010"
FAINT: Final = "#808080"
GRID: Final = "#d0d0d0"
SINGLE: Final = "#7090b0"
FUSED: Final = "#d07010"
FONT: Final = "system-ui, -apple-system, 'Segoe UI', 'Noto Sans', sans-serif"
WIDTH: Final = 680
"""Width of a plot in pixels, without its labels."""
ROW: Final = 30
"""Height of a bar's row in pixels."""


def ndcg_chart(report: EvaluationReport) -> str:
    """SVG of NDCG per model with its 95 % interval, best first."""
    rows = [_bar(one, one.ndcg.mean, one.ndcg.low, one.ndcg.high, report) for one in report.models]
    return _svg(_bars(rows, _names(report), f"NDCG@{report.k}", width=WIDTH))


def segment_chart(report: EvaluationReport) -> str:
    """SVG of NDCG per model for each length of history, in the order of `ndcg_chart`."""
    panels: list[Any] = []
    asked = {name: report.models[0].segments[name].requests for name, _, _ in SEGMENTS}
    shown = [segment for segment in SEGMENTS if asked[segment[0]] > 0]
    for name, fewest, most in shown:
        parts = [(one, one.segments[name]) for one in report.models]
        rows = [_bar(m, p.ndcg.mean, p.ndcg.low, p.ndcg.high, report) for m, p in parts]
        span = f"{fewest}–{most}" if most is not None else f"{fewest} or more"
        title = alt.TitleParams(
            f"{name}: {span} events", subtitle=f"{asked[name]:,} shoppers", anchor="start"
        )
        width = (WIDTH - 24 * len(shown)) // len(shown)
        bars = _bars(rows, _names(report), f"NDCG@{report.k}", width=width, labels=not panels)
        panels.append(bars.properties(title=title))
    return _svg(alt.hconcat(*panels, spacing=24).resolve_scale(x="shared"))


def coverage_chart(report: EvaluationReport) -> str:
    """SVG of recall against the share of the catalogue shown, one point a model."""
    rows = [
        {
            "model": one.name,
            "coverage": one.coverage,
            "recall": one.recall,
            "colour": FUSED if one.name == report.fusion else SINGLE,
        }
        for one in report.models
    ]
    for row, place in zip(rows, _label_places([one.recall for one in report.models]), strict=True):
        row["label"] = place
    x = alt.X("coverage:Q", axis=alt.Axis(title=f"coverage@{report.k}", format="%", tickCount=6))
    x = x.scale(domainMin=0, domainMax=min(1.0, 1.25 * max(one.coverage for one in report.models)))
    y = alt.Y("recall:Q", axis=alt.Axis(title=f"recall@{report.k}", tickCount=6, minExtent=44))
    chart = alt.Chart(alt.Data(values=rows)).encode(x=x)
    colour = alt.Color("colour:N", scale=None)
    points = chart.mark_circle(size=110, opacity=1).encode(y=y, color=colour)
    names = chart.mark_text(align="left", dx=9, color=INK).encode(y="label:Q", text="model:N")
    beside = _name_width(_names(report))
    room = {"left": 5, "top": 8, "bottom": 5, "right": beside}
    return _svg((points + names).properties(width=WIDTH - beside, height=280, padding=room))


def _bar(
    one: ModelSummary, mean: float, low: float, high: float, report: EvaluationReport
) -> dict[str, Any]:
    return {
        "model": one.name,
        "mean": mean,
        "low": low,
        "high": high,
        "text": figure(mean),
        "colour": FUSED if one.name == report.fusion else SINGLE,
    }


def _bars(
    rows: list[dict[str, Any]], order: list[str], title: str, *, width: int, labels: bool = True
) -> Any:
    """Horizontal bars with whiskers and the figure beyond the whisker."""
    beyond = max((row["high"] for row in rows), default=0.0) * 1.18
    wide = _name_width(order) if labels else 0
    axis = alt.Axis(title=None, labels=labels, ticks=False, domain=False, minExtent=wide)
    y = alt.Y("model:N", sort=order, axis=axis)
    x = alt.X("mean:Q", axis=alt.Axis(title=title, tickCount=width // 90)).scale(domainMin=0)
    chart = alt.Chart(alt.Data(values=rows)).encode(y=y)
    bars = chart.mark_bar(height={"band": 0.62}, cornerRadiusEnd=2).encode(
        x=x, color=alt.Color("colour:N", scale=None)
    )
    whiskers = chart.mark_rule(color=INK, strokeWidth=1.4).encode(x="low:Q", x2="high:Q")
    texts = chart.mark_text(align="left", dx=6, color=INK).encode(x="high:Q", text="text:N")
    room = alt.Chart(alt.Data(values=[{"beyond": beyond}])).mark_point(opacity=0, color=INK)
    room = room.encode(x="beyond:Q")
    return (room + bars + whiskers + texts).properties(width=width, height=ROW * len(rows))


def _names(report: EvaluationReport) -> list[str]:
    return [one.name for one in report.models]


def _name_width(names: list[str]) -> int:
    """Pixels that the longest name may take; the reader's font can be wider than ours."""
    return 9 * max(len(name) for name in names)


def _label_places(values: list[float]) -> list[float]:
    """Where to write each label so that none covers another: from the lowest up, kept apart."""
    apart = 0.055 * max(*values, 1e-9)
    places = [math.nan] * len(values)
    free_from = -math.inf
    for place in sorted(range(len(values)), key=values.__getitem__):
        places[place] = max(values[place], free_from)
        free_from = places[place] + apart
    return places


def _svg(chart: Any) -> str:
    look = {
        "background": None,
        "font": FONT,
        "view": {"stroke": None},
        "axis": {
            "labelColor": INK,
            "titleColor": FAINT,
            "gridColor": GRID,
            "domainColor": GRID,
            "tickColor": GRID,
            "labelFontSize": 12,
            "titleFontSize": 12,
            "titleFontWeight": "normal",
        },
        "title": {
            "color": INK,
            "subtitleColor": FAINT,
            "fontSize": 13,
            "fontWeight": 600,
            "subtitleFontSize": 12,
        },
        "text": {"fontSize": 12},
    }
    specification = chart.to_dict() | {"config": look}
    drawn: str = vl_convert.vegalite_to_svg(specification, allowed_base_urls=[])
    return drawn
