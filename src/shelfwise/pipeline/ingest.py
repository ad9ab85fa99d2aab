"""From raw files to the shop's tables: read, clean, stage, drop what is told twice, commit.

Nothing is visible before everything is done: one file that cannot be read, a full disk or a kill
leaves the shop as it was.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Final

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from shelfwise.core.errors import StorageError
from shelfwise.ingest import Batch, Kind, Source, open_source
from shelfwise.ingest.automated import find_automated
from shelfwise.ingest.duplicates import dedupe_events, dedupe_reviews
from shelfwise.ingest.products import Conflict, resolve_products
from shelfwise.pipeline.ingest_report import (
    KINDS,
    AutomatedReport,
    FileReport,
    IngestReport,
    KindCounts,
)
from shelfwise.pipeline.progress import Progress
from shelfwise.store.files import publish_json, sha256, storing
from shelfwise.store.tables import Kind as TableKind
from shelfwise.store.tables import ShopTables, Staging

_STORED: Final[tuple[TableKind, ...]] = ("events", "products", "reviews", "quarantine")
_STEPS: Final = ("dropping duplicates", "merging products", "looking for robots", "storing")


def ingest(
    root: Path,
    *,
    events: Sequence[Path],
    products: Sequence[Path],
    reviews: Sequence[Path],
    format: str,  # noqa: A002 - the word of the command line
    now_ms: int,
    progress: Progress,
) -> IngestReport:
    """What became of every row; the shop in the folder `root` holds what was accepted.

    Raises, and changes nothing, when a file is not usable or the disk is full.
    """
    started = time.perf_counter()
    tables = ShopTables(root / "data")
    given: list[tuple[Kind, Path]] = [("products", path) for path in products]
    given += [("events", path) for path in events]
    given += [("reviews", path) for path in reviews]
    with tables.stage() as staging, _computing(root):
        intake = _Intake(staging)
        for kind, path in given:
            showing = partial(progress, f"reading {path.name}")
            source = open_source(path, kind=kind, format=format, now_ms=now_ms, progress=showing)
            intake.take(source, kind, f"{sha256(path)} as {kind}, {format}")
        staging.close()
        _settle(tables, intake, progress)
    report = intake.report(tables, time.perf_counter() - started)
    with storing(root / "reports"):
        (root / "reports").mkdir(exist_ok=True)
    publish_json(root / "reports" / "ingest.json", report.as_dict())
    return report


@dataclass
class _Intake:
    """Rows being staged, and the count of what became of each."""

    staging: Staging
    counts: dict[str, KindCounts] = field(default_factory=lambda: {k: KindCounts() for k in KINDS})
    files: list[FileReport] = field(default_factory=list)
    double_submissions: int = 0
    conflicts: int = 0
    listed_conflicts: tuple[Conflict, ...] = ()

    def take(self, source: Source, kind: Kind, mark: str) -> None:
        """Stages all rows of a file; of one that was taken before, only those that may be new.

        What a known file says of products is older than what came after it, and its quarantined
        rows are kept already.
        """
        known = self.staging.begin(mark)
        read, repairs = Counter[str](), Counter[str]()
        for batch in source.batches():
            read.update(batch.read)
            repairs.update(batch.repairs)
            self._stage(batch, known=known)
        for name, rows in read.items():
            self.counts[name].read += rows
        self.files.append(
            FileReport(
                str(source.path),
                kind,
                source.format,
                source.mapping,
                dict(read),
                dict(repairs),
                known,
            )
        )

    def _stage(self, batch: Batch, *, known: bool) -> None:
        if batch.events is not None:
            self.staging.add("events", batch.events)
        if batch.reviews is not None:
            self.staging.add("reviews", batch.reviews)
        if batch.products is not None and known:
            self.counts["products"].duplicates += batch.products.num_rows
        elif batch.products is not None:
            self.staging.add("products", batch.products)
        if not known:
            self.staging.add("quarantine", batch.quarantine)
        for kind, reason, rows in _by_reason(batch.quarantine):
            self.counts[kind].quarantined[reason] += rows

    def check(self) -> None:
        """Fails when a row is unaccounted for: that would be our own mistake."""
        for kind, counts in self.counts.items():
            if not counts.whole:
                raise AssertionError(f"{kind} are not accounted for: {counts}")

    def report(self, tables: ShopTables, seconds: float) -> IngestReport:
        """What became of every row."""
        return IngestReport(
            **self.counts,
            files=tuple(self.files),
            double_submissions=self.double_submissions,
            conflicts=self.conflicts,
            listed_conflicts=self.listed_conflicts,
            automated=AutomatedReport.of(tables.automated()),
            stored={kind: tables.count(kind) for kind in _STORED},
            seconds=seconds,
        )


def _by_reason(quarantine: pa.Table) -> Iterator[tuple[str, str, int]]:
    grouped = quarantine.group_by(["kind", "reason"]).aggregate([([], "count_all")])
    for row in grouped.to_pylist():
        yield row["kind"], row["reason"], row["count_all"]


def _settle(tables: ShopTables, intake: _Intake, progress: Progress) -> None:
    """Keeps of the staged rows what is new, counts the rest, and commits."""
    staging = intake.staging
    temp = staging.folder / "scratch"
    added: dict[TableKind, list[Path]] = {"quarantine": staging.paths("quarantine")}
    replaced: dict[TableKind, Path] = {}
    progress(_STEPS[0], 0, len(_STEPS))
    added["events"] = _new_events(tables, intake, temp)
    added["reviews"] = _new_reviews(tables, intake, temp)
    progress(_STEPS[1], 1, len(_STEPS))
    if staging.paths("products"):
        replaced["products"] = _resolved_products(tables, intake, temp)
    progress(_STEPS[2], 2, len(_STEPS))
    if intake.counts["events"].accepted:
        replaced["automated"] = _automated([*tables.event_paths(), *added["events"]], staging, temp)
    progress(_STEPS[3], 3, len(_STEPS))
    intake.check()
    staging.commit(added, replaced)
    progress(_STEPS[3], 4, len(_STEPS))


def _new_events(tables: ShopTables, intake: _Intake, temp: Path) -> list[Path]:
    staged, out = intake.staging.paths("events"), intake.staging.folder / "new-events.parquet"
    if not staged:
        return []
    found = dedupe_events(staged, tables.event_paths(), out, temp)
    intake.counts["events"].accepted += found.kept
    intake.counts["events"].duplicates += found.exact + found.double_submission
    intake.double_submissions = found.double_submission
    return [out]


def _new_reviews(tables: ShopTables, intake: _Intake, temp: Path) -> list[Path]:
    staged, out = intake.staging.paths("reviews"), intake.staging.folder / "new-reviews.parquet"
    if not staged:
        return []
    found = dedupe_reviews(staged, tables.paths("reviews"), out, temp)
    intake.counts["reviews"].accepted += found.kept
    intake.counts["reviews"].duplicates += found.exact
    return [out]


def _resolved_products(tables: ShopTables, intake: _Intake, temp: Path) -> Path:
    staged, out = intake.staging.paths("products"), intake.staging.folder / "all-products.parquet"
    existing = next(iter(tables.paths("products")), None)
    found = resolve_products(staged, existing, out, temp)
    intake.counts["products"].accepted += found.accepted
    intake.counts["products"].duplicates += found.duplicates
    intake.conflicts, intake.listed_conflicts = found.conflicts, found.listed
    return out


def _automated(events: list[Path], staging: Staging, temp: Path) -> Path:
    out = staging.folder / "all-automated.parquet"
    found = find_automated(events, temp)
    with storing(out):
        pq.write_table(found, out)
    return out


@contextmanager
def _computing(root: Path) -> Iterator[None]:
    """A block in which a full disk or too little memory for DuckDB is told as such."""
    try:
        with storing(root):
            yield
    except (duckdb.IOException, duckdb.OutOfMemoryException) as error:
        raise StorageError(
            f"The disk or the memory is too small to ingest into {root}: "
            f"{str(error).splitlines()[0]}",
            remedy="Free some space and run it again; what was stored before is unchanged.",
        ) from error
