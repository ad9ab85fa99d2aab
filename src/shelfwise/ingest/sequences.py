"""One shopper a line, `user item item …`, oldest first, as in the sequential benchmarks.

A shopper may have several lines (`user item` pairs are lines of one item); they follow one another.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from shelfwise.core.errors import UnknownFormatError
from shelfwise.ingest.arrays import flat
from shelfwise.ingest.batch import Chunk, Kind, Malformed, Progress
from shelfwise.ingest.connector import Connector
from shelfwise.ingest.draft import Draft
from shelfwise.ingest.mapping import ColumnMapping, MappedColumn
from shelfwise.ingest.sniffing import Sample
from shelfwise.ingest.source import open_stream
from shelfwise.ingest.text_blocks import text_blocks
from shelfwise.ingest.untimed import NOTE, Places, sequence_draft

_LINE: Final = "line"
_RECOGNISED_SHARE: Final = 0.75


def _recognises(sample: Sample) -> bool:
    """True for lines of ids parted by spaces alone, most of them of two or more."""
    if sample.dialect is None or sample.dialect.delimiter != " ":
        return False
    lines = sample.lines
    like = sum(_is_sequence(line) for line in lines)
    return like >= _RECOGNISED_SHARE * len(lines) and like > 0


def _is_sequence(line: str) -> bool:
    ids = line.split()
    return len(ids) >= 2 and all(any(char.isdigit() for char in name) for name in ids)


def _map(sample: Sample, kind: Kind) -> ColumnMapping:
    if sample.container != "csv" or kind in {"products", "reviews"}:
        raise UnknownFormatError(
            f"{sample.path} cannot be read as sequences of events.",
            remedy="Give text with one 'user item item …' a line as --events.",
        )
    columns = tuple(
        MappedColumn(source, ours, "events", "sequences format")
        for source, ours in (("first word", "user_id"), ("other words", "item_id"))
    )
    return ColumnMapping(columns, (), (NOTE,))


def _chunks(sample: Sample, mapping: ColumnMapping, progress: Progress | None) -> Iterator[Chunk]:
    """The lines of the file, unsplit."""
    del mapping
    stream = open_stream(sample.path)
    first = 1
    try:
        for block in text_blocks(stream, sample.written.encoding, progress):
            lines = _lines_of(block.decode())
            yield _chunk(lines, first)
            first += len(lines)
    finally:
        stream.close()


def _lines_of(text: str) -> list[str]:
    """The lines of a block; other characters that end lines for Python are part of an id."""
    lines = text.split("\n")
    return lines if lines[-1] else lines[:-1]


def _chunk(lines: list[str], first: int) -> Chunk:
    width = [len(line.split()) for line in lines]
    good = [i for i, words in enumerate(width) if words >= 2]
    return Chunk(
        table=pa.table({_LINE: pa.array([lines[i] for i in good], pa.string())}),
        line=np.array(good, np.int64) + first,
        malformed=tuple(
            Malformed(first + i, "no_items", lines[i])
            for i, words in enumerate(width)
            if words == 1
        ),
    )


@dataclass(frozen=True)
class _Reader:
    places: Places = field(default_factory=Places)

    def drafts(self, chunk: Chunk) -> list[Draft]:
        """One purchase for each item of each line."""
        words = pc.utf8_split_whitespace(pc.utf8_trim_whitespace(flat(chunk.table.column(_LINE))))
        users = pc.list_element(words, 0)
        items = pc.list_slice(words, 1)
        lengths = pc.list_value_length(items).to_numpy().astype(np.int64)
        starts = self.places.take(users.to_pylist(), lengths)
        return [sequence_draft(users, items.flatten(), lengths, starts)]

    def catalogue(self) -> pa.Table | None:
        """Nothing: the items are only ids."""
        return None


CONNECTOR = Connector(
    name="sequences",
    about="one shopper a line in time order: user item item …",
    recognises=_recognises,
    map=_map,
    reader=lambda *_: _Reader(),
    chunks=_chunks,
)
