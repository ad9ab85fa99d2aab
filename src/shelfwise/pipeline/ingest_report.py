"""What an ingest did with every row, as JSON for scripts and as tables for people."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from rich.table import Table

from shelfwise.ingest import ColumnMapping
from shelfwise.ingest.products import Conflict

KINDS = ("events", "products", "reviews")


@dataclass
class KindCounts:
    """What became of the rows of one kind: read = accepted + duplicates + all quarantined."""

    read: int = 0
    accepted: int = 0
    """New rows, and products of which something new was said."""
    duplicates: int = 0
    """Rows told before; of events also double submissions, of products also merged rows."""
    quarantined: Counter[str] = field(default_factory=Counter)
    """By reason; each row is kept in `data/quarantine/`."""

    @property
    def whole(self) -> bool:
        """True when no row is unaccounted for."""
        return self.read == self.accepted + self.duplicates + self.quarantined.total()

    def as_dict(self) -> dict[str, Any]:
        """As contracted for `reports/ingest.json`."""
        return asdict(self) | {"quarantined": dict(self.quarantined.most_common())}


@dataclass(frozen=True)
class FileReport:
    """How one file was read."""

    path: str
    kind: str
    """What it was given as."""
    format: str
    mapping: ColumnMapping
    read: dict[str, int]
    """Rows by kind."""
    repairs: dict[str, int]
    """Rows kept although an optional field was unusable and left empty, by what was wrong."""
    known: bool
    """True when the same file was ingested before."""

    def as_dict(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self)


@dataclass(frozen=True)
class AutomatedReport:
    """The shoppers of the whole shop that are taken for programs, kept out of training."""

    shoppers: int
    events: int
    """Acts of browsing by them."""
    reasons: dict[str, int]
    """Shoppers by reason."""

    @classmethod
    def of(cls, found: pa.Table | None) -> AutomatedReport:
        """The report on the table of flagged shoppers."""
        if found is None:
            return cls(0, 0, {})
        reasons = Counter(found.column("reason").to_pylist())
        return cls(found.num_rows, pc.sum(found.column("events")).as_py() or 0, dict(reasons))


@dataclass(frozen=True)
class IngestReport:
    """What an ingest did."""

    events: KindCounts
    products: KindCounts
    reviews: KindCounts
    files: tuple[FileReport, ...]
    double_submissions: int
    """Of the duplicate events, those that were the same act sent again within seconds."""
    conflicts: int
    """Contradictions among what files say of a product, one for each product and field."""
    listed_conflicts: tuple[Conflict, ...]
    """The first of them."""
    automated: AutomatedReport
    stored: dict[str, int]
    """Rows in the shop now, by kind."""
    seconds: float

    def counts(self) -> dict[str, KindCounts]:
        """The counts by kind."""
        return {kind: getattr(self, kind) for kind in KINDS}

    def as_dict(self) -> dict[str, Any]:
        """The content of `reports/ingest.json`."""
        return {kind: counts.as_dict() for kind, counts in self.counts().items()} | {
            "double_submissions": self.double_submissions,
            "conflicts": {
                "count": self.conflicts,
                "listed": [asdict(one) for one in self.listed_conflicts],
            },
            "automated": asdict(self.automated),
            "files": [file.as_dict() for file in self.files],
            "stored": self.stored,
            "seconds": round(self.seconds, 3),
        }

    def tables(self) -> list[Table]:
        """How the columns were taken, file by file, and what became of the rows."""
        return [*(_mapping_table(file) for file in self.files), self._counts_table()]

    def _counts_table(self) -> Table:
        table = Table(title="Rows", title_justify="left")
        table.add_column("")
        for heading in ("read", "accepted", "duplicates", "quarantined"):
            table.add_column(heading, justify="right")
        table.add_column("why quarantined")
        for kind, counts in self.counts().items():
            why = ", ".join(f"{reason} {n:,}" for reason, n in counts.quarantined.most_common())
            total = counts.quarantined.total()
            numbers = (counts.read, counts.accepted, counts.duplicates, total)
            table.add_row(kind, *(f"{number:,}" for number in numbers), why)
        return table


def _mapping_table(file: FileReport) -> Table:
    again = ", ingested before" if file.known else ""
    table = Table(title=f"{file.path} ({file.format}{again})", title_justify="left")
    for heading in ("column", "taken as", "of", "why"):
        table.add_column(heading)
    for mapped in file.mapping.columns:
        table.add_row(mapped.source, mapped.column, mapped.kind, mapped.how)
    if file.mapping.unmapped:
        table.add_row(", ".join(file.mapping.unmapped), "not used", "", "")
    table.caption = " ".join(file.mapping.notes) or None
    return table
