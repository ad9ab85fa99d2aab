"""Evaluation reports of the shop, each shown in a frame where nothing can run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from shelfwise.console.errors import PageError
from shelfwise.console.page import Asked, Page, Site, answer
from shelfwise.console.words.evaluation import EVALUATION

REPORTS: Final = "/console/reports/"
_REPORT_SECURITY: Final = {
    "content-security-policy": (
        "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:;"
        " frame-ancestors 'self'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
}


@dataclass(frozen=True)
class Report:
    """One report that was written."""

    protocol: str
    written_ms: int
    address: str


@dataclass(frozen=True)
class Evaluations:
    """What the page shows."""

    reports: tuple[Report, ...]
    """Newest first."""
    open: Report | None
    """The one in the frame."""
    shop: str
    """The shop's folder, for the command that makes a report."""


async def evaluations(site: Site, asked: Asked) -> Evaluations:
    """The reports, and the one that is open: the newest if none is named."""
    wanted = asked.params.get("report")
    found = await run_in_threadpool(_reports, site.shop.root / "reports")
    reports = tuple(report for report, _ in found)
    opened = [report for report in reports if wanted in {None, report.protocol}]
    if wanted is not None and not opened:
        raise PageError("no_report", wanted)
    return Evaluations(reports, opened[0] if opened else None, site.shop.root.name)


def _reports(folder: Path) -> list[tuple[Report, Path]]:
    """Every report in the folder with its file, newest first; links are not followed."""
    found = []
    for path in folder.glob("evaluation-*.html"):
        if path.is_file() and not path.is_symlink():
            protocol = path.stem.removeprefix("evaluation-")
            written_ms = int(path.stat().st_mtime * 1000)
            found.append((Report(protocol, written_ms, REPORTS + path.name), path))
    return sorted(found, key=lambda one: -one[0].written_ms)


async def report(site: Site, request: Request) -> Response:
    """One report's own page; only files that the list names are ever read."""
    name = request.path_params["name"]
    for _, path in await run_in_threadpool(_reports, site.shop.root / "reports"):
        if path.name == name:
            content = await run_in_threadpool(path.read_bytes)
            return Response(content, headers=_REPORT_SECURITY, media_type="text/html")

    async def absent(_site: Site, _asked: Asked) -> object:
        raise PageError("no_report", name)

    missing = Page(REPORTS, "error.html.jinja", absent, EVALUATION)
    return await answer(missing, site, request, as_json=False)


PAGE: Final = Page("/console/evaluation", "evaluation.html.jinja", evaluations, EVALUATION)
