"""Forgets people: takes what erasures in the log ask for out of the stored tables and old models.

The server forgets at once what it holds in memory and in the log. The tables and the bundles are
rewritten here, before the next training, so that no later model can know the person.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from shelfwise.store.bundles import current_version, open_bundle, versions
from shelfwise.store.files import storing
from shelfwise.store.log_record import Erasure
from shelfwise.store.tables import SCHEMAS, Kind, ShopTables

_KINDS: tuple[Kind, ...] = ("events", "reviews", "quarantine")


def erase_stored(tables: ShopTables, erased: Sequence[Erasure]) -> int:
    """How many rows of the tables were about the erased people; they are gone from the disk."""
    if not erased:
        return 0
    gone = 0
    with tables.stage() as staging:
        replaced: dict[Kind, Path] = {}
        for kind in _KINDS:
            out = staging.folder / f"without-{kind}.parquet"
            dropped = _rewrite(tables.paths(kind), out, kind, erased)
            if dropped:
                replaced[kind] = out
                gone += dropped
        staging.commit({}, replaced)
    if gone:
        with tables.stage():
            pass  # a stage begins by removing the files that no manifest names any more
    return gone


def drop_old_bundles(root: Path, erased: Sequence[Erasure]) -> list[str]:
    """The versions under `root` that knew an erased person and are not current: removed."""
    people = {one.user_id for one in erased}
    current = current_version(root)
    dropped = []
    for version in versions(root):
        if version != current and people & set(open_bundle(root, version).json("users")):
            shutil.rmtree(root / version)
            dropped.append(version)
    return dropped


def _rewrite(paths: Sequence[Path], out: Path, kind: Kind, erased: Sequence[Erasure]) -> int:
    """Writes the rows that stay to `out`; returns how many do not."""
    dropped = 0
    with storing(out), pq.ParquetWriter(out, SCHEMAS[kind], compression="zstd") as writer:
        for batch in _batches(paths):
            stays = pc.invert(_about(batch, kind, erased))
            kept = batch.filter(stays)
            dropped += batch.num_rows - kept.num_rows
            writer.write_table(kept.cast(SCHEMAS[kind]))
    return dropped


def _batches(paths: Sequence[Path]) -> Iterator[pa.Table]:
    for path in paths:
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(1 << 17):
                yield pa.Table.from_batches([batch])


def _about(rows: pa.Table, kind: Kind, erased: Sequence[Erasure]) -> pa.ChunkedArray:
    """For each row, whether it is about one of the erased people."""
    people = pa.array([one.user_id for one in erased], pa.string())
    if kind == "quarantine":
        return _quotes(rows.column("row"), people.to_pylist())
    about = pc.is_in(rows.column("user_id"), value_set=people)
    if kind == "events":
        sessions = [session for one in erased for session in one.session_ids]
        nobody = pc.is_null(rows.column("user_id"))
        theirs = pc.is_in(rows.column("session_id"), value_set=pa.array(sessions, pa.string()))
        about = pc.or_(about, pc.and_(nobody, theirs))
    return about


def _quotes(text: pa.ChunkedArray, people: Sequence[str]) -> pa.ChunkedArray:
    """Whether a refused row, kept as JSON, names one of the people as a value."""
    named = pa.chunked_array([pa.array([False] * len(text))])
    for user_id in people:
        found = pc.match_substring(text.fill_null(""), f'"{user_id}"')
        named = pc.or_(named, found)
    return named
