"""Text tables (CSV, TSV …) as chunks of string columns, a few megabytes at a time."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv

from shelfwise.ingest.batch import Chunk, Malformed, Progress
from shelfwise.ingest.records import BROKEN_QUOTE, Records, find_records
from shelfwise.ingest.sniffing import Dialect, Sample
from shelfwise.ingest.source import ByteStream, open_stream
from shelfwise.ingest.text_blocks import NULL_WORDS, text_blocks

_CELL_SEPARATOR: Final = b"\x1f"  # stands in for a delimiter of two characters


def read_table(sample: Sample, progress: Progress | None = None) -> Iterator[Chunk]:
    """The rows of a text table, in order; every column is a string, absent values are null."""
    stream = open_stream(sample.path)
    try:
        yield from _chunks(sample.columns, sample.written, stream, progress)
    finally:
        stream.close()


def _chunks(
    columns: tuple[str, ...], dialect: Dialect, stream: ByteStream, progress: Progress | None
) -> Iterator[Chunk]:
    delimiter = dialect.delimiter.encode() if len(dialect.delimiter) == 1 else _CELL_SEPARATOR
    rest = b""
    line = 1
    header = dialect.header
    for text, final in _with_last(text_blocks(stream, dialect.encoding, progress)):
        cells = text if len(dialect.delimiter) == 1 else _one_byte(text, dialect.delimiter)
        block = rest + cells
        found = find_records(
            block, delimiter, quoted=dialect.quoted, width=len(columns), final=final
        )
        rest = block[found.consumed :]
        skip = 1 if header and len(found) else 0
        header = header and not skip
        yield _chunk(columns, delimiter, dialect.quoted, block, found, line, skip)
        line += found.lines


def _one_byte(text: bytes, delimiter: str) -> bytes:
    return text.replace(delimiter.encode(), _CELL_SEPARATOR)


def _with_last(blocks: Iterator[bytes]) -> Iterator[tuple[bytes, bool]]:
    """Each block, and whether it is the last."""
    held: bytes | None = None
    for block in blocks:
        if held is not None:
            yield held, False
        held = block
    if held is not None:
        yield held, True


def _chunk(
    columns: tuple[str, ...],
    delimiter: bytes,
    quoted: bool,
    block: bytes,
    found: Records,
    line: int,
    skip: int,
) -> Chunk:
    good = found.fields == len(columns)
    good[:skip] = False
    whole = _bytes_of(block, found, good, skip)
    several_lines = found.lines > len(found)
    table = _parse(whole, columns, delimiter, quoted=quoted, several_lines=several_lines)
    if table.num_rows != int(good.sum()):
        table = _parse_slowly(block, found, good, columns, delimiter)
    bad = np.flatnonzero(~good[skip:]) + skip
    return Chunk(
        table=table,
        line=found.line[good] + line,
        malformed=tuple(
            Malformed(
                line=int(found.line[i]) + line,
                reason=_what_is_wrong(int(found.fields[i])),
                text=block[found.start[i] : found.end[i]].decode(errors="replace"),
            )
            for i in bad.tolist()
        ),
    )


def _what_is_wrong(fields: int) -> str:
    return "broken_quotes" if fields == BROKEN_QUOTE else "wrong_number_of_fields"


def _bytes_of(block: bytes, found: Records, good: np.ndarray, skip: int) -> bytes | memoryview:
    """The bytes of the good records alone, copied only where something must be left out."""
    if len(found) == 0:
        return b""
    if bool(good[skip:].all()) and found.lines == len(found):
        begin = int(found.start[skip]) if skip < len(found) else found.consumed
        return memoryview(block)[begin : found.consumed]
    keep = np.flatnonzero(good).tolist()
    return b"\n".join([block[found.start[i] : found.end[i]] for i in keep])


def _parse(
    text: bytes | memoryview,
    columns: tuple[str, ...],
    delimiter: bytes,
    *,
    quoted: bool,
    several_lines: bool,
) -> pa.Table:
    schema = pa.schema([(name, pa.string()) for name in columns])
    if len(text) == 0:
        return schema.empty_table()
    return pacsv.read_csv(
        pa.BufferReader(text),
        read_options=pacsv.ReadOptions(
            column_names=list(columns),
            block_size=len(text) + 1 if several_lines else 1 << 20,
        ),
        parse_options=pacsv.ParseOptions(
            delimiter=delimiter.decode(),
            quote_char='"' if quoted else False,
            newlines_in_values=several_lines,
            invalid_row_handler=lambda _: "skip",
        ),
        convert_options=pacsv.ConvertOptions(
            column_types=schema,
            null_values=list(NULL_WORDS),
            strings_can_be_null=True,
        ),
    )


def _parse_slowly(
    block: bytes, found: Records, good: np.ndarray, columns: tuple[str, ...], delimiter: bytes
) -> pa.Table:
    """The same rows read one by one, for the rare block that Arrow splits otherwise."""
    rows = []
    for i in np.flatnonzero(good).tolist():
        text = block[found.start[i] : found.end[i]].decode(errors="replace")
        cells = next(csv.reader(io.StringIO(text), delimiter=delimiter.decode()), [])
        padded = (cells + [""] * len(columns))[: len(columns)]
        rows.append([None if cell in NULL_WORDS else cell for cell in padded])
    return pa.table(
        [pa.array([row[i] for row in rows], pa.string()) for i in range(len(columns))],
        names=list(columns),
    )
