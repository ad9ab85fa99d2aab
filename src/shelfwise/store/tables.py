"""A shop's tables on the disk: Parquet segments that never change, and one manifest naming them.

    data/manifest.json                the segments that count, nothing else does
    data/events-<n>.parquet           a new one for each ingest that brought events
    data/reviews-<n>.parquet          the same for reviews
    data/products-<n>.parquet         all products; replaced as a whole
    data/automated-<n>.parquet        shoppers that are no people; replaced as a whole
    data/quarantine/<n>.parquet       rows that could not be used, with their reason
    data/.staging/                    what an ingest that is not finished has written so far

Publishing the manifest is the commit: an ingest that is killed, or meets a full disk, before it
leaves the last good state, and what it wrote is swept away by the next. Superseded segments are
swept then too, not at once, so that a reader which has just read the manifest still finds them.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final, Literal

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from shelfwise.core.columns import (
    EVENTS_SCHEMA,
    PRODUCTS_SCHEMA,
    QUARANTINE_SCHEMA,
    REVIEWS_SCHEMA,
)
from shelfwise.core.errors import StorageError
from shelfwise.store.files import (
    only_one,
    publish_json,
    read_json,
    sha256,
    storing,
    sync_file,
    sync_folder,
)

Kind = Literal["events", "products", "reviews", "quarantine", "automated"]

SCHEMAS: Final[Mapping[str, pa.Schema]] = {
    "events": EVENTS_SCHEMA,
    "products": PRODUCTS_SCHEMA,
    "reviews": REVIEWS_SCHEMA,
    "quarantine": QUARANTINE_SCHEMA,
}
"""What is staged row by row, and its columns."""

_ROW_GROUP = 1 << 19
_REPEATED: Final = ("event_type", "item_id", "currency", "country", "list_id", "query", "kind")
"""Columns whose values repeat; to try a dictionary on the others makes writing thrice as slow."""
_FORMAT = 1


@dataclass(frozen=True)
class Segment:
    """One immutable file of rows of one kind."""

    kind: str
    name: str
    """Path within the data folder."""
    rows: int
    size: int
    sha256: str


@dataclass(frozen=True)
class Manifest:
    """What a shop's data are: everything a commit makes visible."""

    segments: tuple[Segment, ...] = ()
    next_segment: int = 1
    """Number of the next segment file; never used twice."""
    next_order: int = 0
    """First `order` that no stored event has."""
    sources: tuple[str, ...] = ()
    """Marks of the files that were ingested, however their callers make them."""


class ShopTables:
    """The data folder of a shop; many may read it while one ingest writes."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def manifest(self) -> Manifest:
        """The last state that was committed; empty for a new shop."""
        path = self.root / "manifest.json"
        if not path.is_file():
            return Manifest()
        stored = read_json(path)
        if not isinstance(stored, dict) or stored.get("format") != _FORMAT:
            raise StorageError(
                f"{path} was not written by this version of Shelfwise.",
                remedy="Update Shelfwise, or ingest the shop's files into a new shop.",
            )
        segments = tuple(Segment(**segment) for segment in stored["segments"])
        return Manifest(
            segments, stored["next_segment"], stored["next_order"], tuple(stored["sources"])
        )

    def fingerprint(self) -> str:
        """A hash of everything stored: equal when, and only when, the content is."""
        held = sorted((segment.kind, segment.sha256) for segment in self.manifest().segments)
        return hashlib.sha256(json.dumps(held).encode()).hexdigest()

    def paths(self, kind: Kind) -> list[Path]:
        """The files that hold rows of this kind, oldest first."""
        return [self.root / one.name for one in self.manifest().segments if one.kind == kind]

    def count(self, kind: Kind) -> int:
        """How many rows of this kind are stored."""
        return sum(one.rows for one in self.manifest().segments if one.kind == kind)

    def event_paths(self) -> list[Path]:
        """The files that hold events, oldest first."""
        return self.paths("events")

    def events(
        self, columns: Sequence[str] | None = None, dictionary: Sequence[str] = ()
    ) -> pa.Table:
        """All events, or only some columns; those in `dictionary` come dictionary-encoded."""
        return self._read("events", columns, dictionary)

    def products(self) -> pa.Table:
        """All products, one row an item."""
        return self._read("products")

    def reviews(self) -> pa.Table:
        """All reviews."""
        return self._read("reviews")

    def quarantine(self) -> pa.Table:
        """All rows that were refused, each with file, line and reason."""
        return self._read("quarantine")

    def automated(self) -> pa.Table | None:
        """The shoppers flagged as automated, None when that was never looked for."""
        paths = self.paths("automated")
        return _table(paths[-1]) if paths else None

    @contextmanager
    def stage(self) -> Iterator[Staging]:
        """A staging folder that only this process may write; gone, with its files, afterwards.

        Raises `StorageError` when another ingest is at work on this shop.
        """
        with storing(self.root):
            self.root.mkdir(parents=True, exist_ok=True)
        with only_one(self.root / ".lock", "ingesting into"):
            manifest = self.manifest()
            with storing(self.root):
                self._sweep(manifest)
                folder = self.root / ".staging"
                folder.mkdir()
            staging = Staging(self.root, folder, manifest)
            try:
                yield staging
            finally:
                staging.abandon()

    def _read(
        self, kind: Kind, columns: Sequence[str] | None = None, dictionary: Sequence[str] = ()
    ) -> pa.Table:
        paths = self.paths(kind)
        wanted = None if columns is None else list(columns)
        if not paths:
            empty = SCHEMAS[kind].empty_table()
            return empty if wanted is None else empty.select(wanted)
        read = [_table(path, wanted, dictionary) for path in paths]
        # Whatever wrote a segment, its columns may be null just where the schema says so.
        fields = [
            SCHEMAS[kind].field(name).with_type(read[0].schema.field(name).type)
            for name in read[0].column_names
        ]
        schema = pa.schema(fields)
        return pa.concat_tables([pa.Table.from_arrays(one.columns, schema=schema) for one in read])

    def _sweep(self, manifest: Manifest) -> None:
        """Removes what no manifest names: remains of ingests that failed, superseded segments."""
        shutil.rmtree(self.root / ".staging", ignore_errors=True)
        held = {segment.name for segment in manifest.segments}
        for path in [*self.root.glob("*.parquet"), *self.root.glob("quarantine/*.parquet")]:
            if path.relative_to(self.root).as_posix() not in held:
                path.unlink()


class Staging:
    """Rows on their way in: appended to files batch by batch, then committed all at once."""

    def __init__(self, root: Path, folder: Path, manifest: Manifest) -> None:
        self.folder = folder
        self._root = root
        self._manifest = manifest
        self._sources = list(manifest.sources)
        self._writers: dict[str, pq.ParquetWriter] = {}
        self._paths: dict[str, list[Path]] = {}
        self._next_order = self._first_order = manifest.next_order

    def begin(self, mark: str) -> bool:
        """Starts a source, whose rows go to files of their own; true when `mark` is known already.

        A source counts the `order` of its events from 0; here they come after all before them.
        """
        self.close()
        self._first_order = self._next_order
        known = mark in self._sources
        if not known:
            self._sources.append(mark)
        return known

    def add(self, kind: Kind, table: pa.Table) -> None:
        """Appends rows of this kind to the current source."""
        if table.num_rows == 0:
            return
        if kind == "events":
            table = self._ordered(table)
        with storing(self.folder):
            self._writer(kind).write_table(table, row_group_size=_ROW_GROUP)

    def close(self) -> None:
        """Finishes the files of the current source, so that `paths` may be read."""
        with storing(self.folder):
            while self._writers:
                self._writers.popitem()[1].close()

    def paths(self, kind: Kind) -> list[Path]:
        """The staged files of this kind, one for each source that has any, in their order."""
        return list(self._paths.get(kind, ()))

    def commit(
        self, added: Mapping[Kind, Sequence[Path]], replaced: Mapping[Kind, Path]
    ) -> Manifest:
        """The new state: `added` files beside the segments there, `replaced` instead of them.

        A file without rows is not added, and one equal to what it replaces changes nothing.
        """
        segments = list(self._manifest.segments)
        number = self._manifest.next_segment
        each = [(kind, path) for kind, paths in added.items() for path in paths]
        for kind, path in [*each, *replaced.items()]:
            described = self._described(kind, path, number)
            if kind in replaced:
                if described.sha256 in {one.sha256 for one in segments if one.kind == kind}:
                    continue
                segments = [one for one in segments if one.kind != kind]
            elif described.rows == 0:
                continue
            self._move_in(path, described)
            segments.append(described)
            number += 1
        state = Manifest(tuple(segments), number, self._next_order, tuple(self._sources))
        if state.segments == self._manifest.segments and state.sources == self._manifest.sources:
            return self._manifest
        return self._publish(state)

    def abandon(self) -> None:
        """Removes the staging folder."""
        for writer in self._writers.values():
            with suppress(OSError, pa.ArrowException):
                writer.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _ordered(self, table: pa.Table) -> pa.Table:
        order = pc.add(table.column("order"), self._first_order)
        self._next_order = max(self._next_order, pc.max(order).as_py() + 1)
        place = table.schema.get_field_index("order")
        return table.set_column(place, EVENTS_SCHEMA.field("order"), order)

    def _writer(self, kind: str) -> pq.ParquetWriter:
        if kind not in self._writers:
            paths = self._paths.setdefault(kind, [])
            paths.append(self.folder / f"{kind}-{len(paths) + 1}.parquet")
            schema = SCHEMAS[kind]
            self._writers[kind] = pq.ParquetWriter(
                paths[-1],
                schema,
                compression="zstd",
                use_dictionary=[name for name in _REPEATED if name in schema.names],
                column_encoding={"order": "DELTA_BINARY_PACKED"} if kind == "events" else None,
            )
        return self._writers[kind]

    def _described(self, kind: str, path: Path, number: int) -> Segment:
        name = (
            f"quarantine/{number}.parquet" if kind == "quarantine" else f"{kind}-{number}.parquet"
        )
        with storing(path):
            rows = pq.read_metadata(path).num_rows
            return Segment(kind, name, rows, path.stat().st_size, sha256(path))

    def _move_in(self, path: Path, segment: Segment) -> None:
        target = self._root / segment.name
        with storing(target):
            target.parent.mkdir(exist_ok=True)
            sync_file(path)
            path.replace(target)
            sync_folder(target.parent)

    def _publish(self, manifest: Manifest) -> Manifest:
        publish_json(self._root / "manifest.json", {"format": _FORMAT, **asdict(manifest)})
        return manifest


def _table(
    path: Path, columns: list[str] | None = None, dictionary: Sequence[str] = ()
) -> pa.Table:
    """The Parquet file's rows; raises `StorageError` when it is missing or damaged."""
    try:
        return pq.read_table(
            path, columns=columns, read_dictionary=list(dictionary), partitioning=None
        )
    except (OSError, pa.ArrowException) as error:
        raise StorageError(
            f"{path} is missing or damaged: {str(error).splitlines()[0]}",
            remedy="Restore it from a backup, or ingest the shop's files into a new shop.",
        ) from error
