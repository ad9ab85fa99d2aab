"""The report's plots as SVG text to put into a page: Altair specifications drawn by vl-convert.

Nothing is fetched and no script runs in the page. Colours in the SVG are place-holders that the
page's style sheet replaces, so one drawing serves light and dark.
"""

from __future__ import annotations

import math
from typing import Any, Final

import altair as alt
import vl_convert

from shelfwise.evaluation.calibration import ProbabilityFit
from shelfwise.evaluation.leaderboard import chance, figure
from shelfwise.evaluation.popularity import ITEM_SEGMENTS
from shelfwise.evaluation.report import EvaluationReport
from shelfwise.evaluation.significance import LEVEL
from shelfwise.evaluation.summary import SEGMENTS, ModelSummary, Slice

INK: Final = "#101010"
FAINT: Final = "#808080"
GRID: Final = "#d0d0d0"
SINGLE: Final = "#7090b0"
FUSED: Final = "#d07010"
SEGMENT_COLOURS: Final = ("#405060", "#7090b0", "#d07010", "#d0d0d0")
"""Of head, torso, tail and cold."""
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
    panels = []
    for name, fewest, most in SEGMENTS:
        span = f"{fewest}–{most}" if most is not None else f"{fewest} or more"
        parts = [one.segments[name] for one in report.models]
        panels.append((f"{name}: {span} events", f"{parts[0].requests:,} shoppers", parts))
    return _panels(report, panels)


def item_segment_chart(report: EvaluationReport) -> str:
    """SVG of NDCG per model where only items of one popularity are to be found."""
    panels = []
    for name in ITEM_SEGMENTS:
        parts = [one.item_segments[name] for one in report.models]
        items = report.item_segments[name].items
        panels.append((f"{name}: {items:,} items", f"wanted by {parts[0].requests:,}", parts))
    return _panels(report, panels)


def _panels(report: EvaluationReport, panels: list[tuple[str, str, list[Slice]]]) -> str:
    """Bars of NDCG side by side, one panel (title, subtitle, slice per model) each; none empty."""
    shown = [panel for panel in panels if panel[2][0].requests > 0]
    drawn: list[Any] = []
    for title, subtitle, parts in shown:
        rows = [
            _bar(one, part.ndcg.mean, part.ndcg.low, part.ndcg.high, report)
            for one, part in zip(report.models, parts, strict=True)
        ]
        width = (WIDTH - 24 * len(shown)) // len(shown)
        bars = _bars(rows, _names(report), f"NDCG@{report.k}", width=width, labels=not drawn)
        drawn.append(
            bars.properties(title=alt.TitleParams(title, subtitle=subtitle, anchor="start"))
        )
    return _svg(alt.hconcat(*drawn, spacing=24).resolve_scale(x="shared"))


def exposure_chart(report: EvaluationReport) -> str:
    """SVG of who gets the places: per model the share of each item segment, training on top."""
    order = ["in training", *_names(report)]
    shares = [{name: facts.event_share for name, facts in report.item_segments.items()}]
    shares += [one.lists.exposure for one in report.models]
    rows = [
        {"model": model, "segment": name, "share": of[name], "place": place}
        for model, of in zip(order, shares, strict=True)
        for place, name in enumerate(ITEM_SEGMENTS)
        if of[name] > 0
    ]
    axis = alt.Axis(title=None, ticks=False, domain=False, minExtent=_name_width(order))
    scale = alt.Scale(domain=list(ITEM_SEGMENTS), range=list(SEGMENT_COLOURS))
    legend = alt.Legend(title=None, orient="top", labelColor=INK, symbolType="square")
    x_axis = alt.Axis(title=f"share of the {report.k} places", format="%", tickCount=5)
    chart = alt.Chart(alt.Data(values=rows)).mark_bar(height={"band": 0.62})
    chart = chart.encode(
        y=alt.Y("model:N", sort=order, axis=axis),
        x=alt.X("share:Q", axis=x_axis, scale=alt.Scale(domain=[0, 1], clamp=True)),
        color=alt.Color("segment:N", scale=scale, legend=legend),
        order=alt.Order("place:Q"),
    )
    return _svg(chart.properties(width=WIDTH, height=ROW * len(order)))


def significance_chart(report: EvaluationReport) -> str:
    """SVG of a matrix: NDCG of the row's model minus the column's, and its corrected p-value.

    Empty for a model alone. Cells of differences that are not significant are blank.
    """
    if not report.pairs:
        return ""
    order = _names(report)
    rows = [
        {
            "row": one.first,
            "column": one.second,
            "difference": f"{one.difference:+.4f}".replace("0.", ".", 1),
            "chance": chance(one.p_holm),
            "colour": FUSED if one.p_holm < LEVEL else GRID,
            "ink": 0.28 if one.p_holm < LEVEL else 0.25,
        }
        for one in report.pairs
    ]
    plain = {"title": None, "ticks": False, "domain": False}
    x = alt.X("column:N", sort=order[1:], axis=alt.Axis(orient="top", labelAngle=-35, **plain))
    left = alt.Axis(minExtent=_name_width(order[:-1]), **plain)
    y = alt.Y("row:N", sort=order[:-1], axis=left)
    chart = alt.Chart(alt.Data(values=rows)).encode(x=x, y=y)
    cells = chart.mark_rect(cornerRadius=3).encode(
        color=alt.Color("colour:N", scale=None), opacity=alt.Opacity("ink:Q", scale=None)
    )
    above = chart.mark_text(dy=-7, color=INK, fontSize=11).encode(text="difference:N")
    below = chart.mark_text(dy=8, color=FAINT, fontSize=11).encode(text="chance:N")
    side = max(len(order) - 1, 1)
    width = min(WIDTH - 40, 70 * side)
    return _svg((cells + above + below).properties(width=width, height=38 * side))


def reliability_chart(report: EvaluationReport) -> str:
    """SVG of promised against observed probability; empty where nothing is promised.

    One panel an outcome of the fusion, and one a model that promises relevance.
    """
    fits = {name: promise.fit for name, promise in report.promises.items()}
    fits |= {one.name: one.probability for one in report.models if one.probability is not None}
    if not fits:
        return ""
    side = min(WIDTH // 2, (WIDTH - 60 * (len(fits) - 1)) // len(fits))
    return _svg(alt.hconcat(*(_reliability(name, fit, side) for name, fit in fits.items())))


def _reliability(name: str, fit: ProbabilityFit, side: int) -> Any:
    rows = [{"promised": at.promised, "happened": at.happened} for at in fit.bins]
    most = max(max(at.promised, at.happened) for at in fit.bins)
    x = alt.X("promised:Q", axis=alt.Axis(title="promised", format="~%", tickCount=5))
    y = alt.Y("happened:Q", axis=alt.Axis(title="happened", format="~%", tickCount=5))
    ends = alt.Data(values=[{"promised": 0, "happened": 0}, {"promised": most, "happened": most}])
    ideal = alt.Chart(ends).mark_line(color=FAINT, strokeDash=[4, 4], strokeWidth=1)
    chart = alt.Chart(alt.Data(values=rows)).encode(x=x, y=y)
    curve = chart.mark_line(color=FUSED, strokeWidth=1.5) + chart.mark_circle(
        size=60, color=FUSED, opacity=1
    )
    title = alt.TitleParams(name, anchor="start")
    return (ideal.encode(x=x, y=y) + curve).properties(width=side, height=side, title=title)


def coverage_chart(report: EvaluationReport) -> str:
    """SVG of recall against the share of the catalogue shown, one point a model."""
    rows = [
        {
            "model": one.name,
            "coverage": one.lists.coverage,
            "recall": one.recall,
            "colour": FUSED if one.name == report.fusion else SINGLE,
        }
        for one in report.models
    ]
    for row, place in zip(rows, _label_places([one.recall for one in report.models]), strict=True):
        row["label"] = place
    x = alt.X("coverage:Q", axis=alt.Axis(title=f"coverage@{report.k}", format="%", tickCount=6))
    x = x.scale(
        domainMin=0, domainMax=min(1.0, 1.25 * max(one.lists.coverage for one in report.models))
    )
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
