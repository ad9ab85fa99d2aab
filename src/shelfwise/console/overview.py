"""The overview: what answers now, how good it is, and where every ingested row went."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import msgspec
from starlette.concurrency import run_in_threadpool

from shelfwise.app import Shop
from shelfwise.console.page import Asked, Page, Site
from shelfwise.console.words.overview import OVERVIEW
from shelfwise.pipeline.paired import Paired

SHOWN_WEIGHTS: Final = 15
KINDS: Final = ("events", "products", "reviews")


@dataclass(frozen=True)
class Scored:
    """One row of the leaderboard."""

    name: str
    fusion: bool
    ndcg: float
    serves: bool


@dataclass(frozen=True)
class Rows:
    """What became of the rows of one kind."""

    read: int
    accepted: int
    duplicates: int
    quarantined: Mapping[str, int]
    """By reason."""


@dataclass(frozen=True)
class Overview:
    """What the page shows."""

    version: str
    trained_ms: int | None
    events: int
    shoppers: int
    products: int
    latest_event_ms: int
    k: int
    requests: int
    leaderboard: tuple[Scored, ...]
    """Best first; empty when nothing was held back."""
    chosen: str
    best_single: str
    beats_single: bool
    lift: float
    difference_ci95: tuple[float, float]
    against: Paired | None
    """The version that answered before, on the same requests; None: not compared so."""
    weights: tuple[tuple[str, float], ...]
    """The largest, by size."""
    ingest: Mapping[str, Rows] | None
    """The latest ingest by kind; None before the first."""
    some_shopper: str | None


async def overview(site: Site, asked: Asked) -> Overview:
    """The overview of the version that answers."""
    del asked
    about, ingest = await run_in_threadpool(_read, site.shop, site.live.version)
    fusion = about["fusion"]
    weights = sorted(fusion["weights"].items(), key=lambda one: -abs(one[1]))[:SHOWN_WEIGHTS]
    return Overview(
        version=site.live.version,
        trained_ms=_trained_ms(site.live.version),
        events=about["events"],
        shoppers=about["shoppers"],
        products=about["items"],
        latest_event_ms=about["last_event_ms"],
        k=fusion["k"],
        requests=about["requests"],
        leaderboard=_leaderboard(fusion),
        chosen=fusion["chosen"],
        best_single=fusion["best_single"],
        beats_single=fusion["beats_single"],
        lift=fusion["lift"],
        difference_ci95=tuple(fusion["difference_ci95"]),
        against=_against(about),
        weights=tuple((name, value) for name, value in weights if value),
        ingest=ingest,
        some_shopper=site.live.some_shopper(),
    )


def _read(shop: Shop, version: str) -> tuple[dict[str, Any], dict[str, Rows] | None]:
    about = shop.about(version)
    try:
        report = json.loads((shop.root / "reports" / "ingest.json").read_text(encoding="utf-8"))
        return about, {kind: Rows(**report[kind]) for kind in KINDS}
    except (OSError, ValueError, KeyError, TypeError):  # none, or not one of ours
        return about, None


def _against(about: Mapping[str, Any]) -> Paired | None:
    paired = about.get("promotion", {}).get("paired")
    return None if paired is None else msgspec.convert(paired, Paired)


def _leaderboard(fusion: Mapping[str, Any]) -> tuple[Scored, ...]:
    rows = [
        Scored(name, is_fusion, value, serves=name == fusion["chosen"])
        for table, is_fusion in (("ndcg", True), ("ndcg_single", False))
        for name, value in fusion[table].items()
    ]
    return tuple(sorted(rows, key=lambda row: -row.ndcg))


def _trained_ms(version: str) -> int | None:
    """When a version was trained, as its name begins with."""
    try:
        trained = datetime.strptime(version[:16], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        return None
    return int(trained.timestamp() * 1000)


PAGE: Final = Page("/console", "overview.html.jinja", overview, OVERVIEW)
