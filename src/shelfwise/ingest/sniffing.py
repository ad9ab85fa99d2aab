"""The first look at a file: is it a table, JSON or Parquet, and what are its columns."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import pyarrow as pa
import pyarrow.parquet as pq

from shelfwise.core.errors import BadInputError, UnknownFormatError
from shelfwise.ingest.json_rows import decode_object
from shelfwise.ingest.source import PARQUET_MAGIC, first_bytes, guess_encoding, open_stream
from shelfwise.ingest.times import millis_of

Container = Literal["csv", "json", "parquet"]

SAMPLE_BYTES: Final = 1 << 18
SAMPLE_ROWS: Final = 500
_DELIMITERS: Final = ("\t", ",", ";", "|", "::", "\x01", " ")
_NUMBER: Final = re.compile(r"\s*[-+]?\d[\d.,:eE/ -]*\s*$")
_LINE_END: Final = re.compile(r"\r\n|\n|\r")
_TEXT_CONTROLS: Final = re.compile(rb"[\x00\x02-\x08\x0e-\x1a\x1c-\x1f]")


@dataclass(frozen=True)
class Dialect:
    """How a text table is written."""

    delimiter: str
    header: bool
    quoted: bool
    """Double quotes around a value mean nothing where this is false."""
    encoding: str


@dataclass(frozen=True)
class Sample:
    """What the first rows of a file show; connectors recognise their format by it."""

    path: Path
    container: Container
    columns: tuple[str, ...]
    """Column names; of a text table without header `column_1`, `column_2` …"""
    rows: tuple[dict[str, object], ...]
    """The first rows; every value of a text table is a string."""
    dialect: Dialect | None = None
    """Only of text tables."""
    lines: tuple[str, ...] = ()
    """The first lines as they are, only of text tables."""

    @property
    def written(self) -> Dialect:
        """How the text table is written; only text tables may be asked."""
        if self.dialect is None:
            raise TypeError(f"{self.path} is no text table")
        return self.dialect

    @property
    def source(self) -> str:
        """The file's name as reports show it."""
        return str(self.path)

    def values(self, column: str) -> list[object]:
        """The non-empty values of one column in the sample."""
        return [row[column] for row in self.rows if row.get(column) is not None]

    def has(self, *columns: str) -> bool:
        """True when all these columns are there, whatever their case."""
        present = {name.lower() for name in self.columns}
        return all(name.lower() in present for name in columns)


def sniff(path: Path) -> Sample:
    """What the file at `path` is; raises for empty, binary and unreadable files."""
    if first_bytes(path).startswith(PARQUET_MAGIC):
        return _sniff_parquet(path)
    stream = open_stream(path)
    try:
        head = _read_up_to(stream.read, SAMPLE_BYTES)
    finally:
        stream.close()
    text, encoding = _as_text(path, head)
    begin = text.lstrip()[:1]
    if begin == "{":
        return _sniff_json(path, text)
    if begin == "[":
        raise UnknownFormatError(
            f"{path} is one JSON array.",
            remedy=f"Write one object a line: jq -c '.[]' {path.name} > {path.stem}.jsonl",
        )
    if begin == "<":
        raise UnknownFormatError(
            f"{path} is XML or HTML.", remedy="Export CSV, JSON lines or Parquet."
        )
    return _sniff_table(path, text, encoding, whole=len(head) < SAMPLE_BYTES)


def _read_up_to(read: Callable[[int], bytes], n: int) -> bytes:
    parts: list[bytes] = []
    total = 0
    while total < n and (part := read(n - total)):
        parts.append(part)
        total += len(part)
    return b"".join(parts)


def _as_text(path: Path, head: bytes) -> tuple[str, str]:
    encoding = guess_encoding(head)
    if encoding != "utf-16" and len(_TEXT_CONTROLS.findall(head)) > len(head) // 500:
        raise UnknownFormatError(
            f"{path} is a binary file.", remedy="Give CSV, JSON lines or Parquet."
        )
    text = head.decode(encoding, errors="replace").removeprefix("\ufeff")
    if not text.strip():
        raise BadInputError(f"{path} is empty.", remedy="Export the file again.")
    return text, encoding


def _sniff_parquet(path: Path) -> Sample:
    try:
        with pq.ParquetFile(path) as file:
            columns = tuple(file.schema_arrow.names)
            first = next(file.iter_batches(batch_size=SAMPLE_ROWS), None)
    except (pa.ArrowException, OSError) as error:
        raise BadInputError(
            f"{path} is a damaged Parquet file ({error}).", remedy="Copy or export the file again."
        ) from error
    return Sample(path, "parquet", columns, tuple(first.to_pylist()) if first else ())


def _sniff_json(path: Path, text: str) -> Sample:
    lines = [line for line in text.split("\n")[: SAMPLE_ROWS + 1] if line.strip()]
    rows = [row for line in lines if (row := decode_object(line.encode())) is not None]
    if not rows:
        raise UnknownFormatError(
            f"{path} begins like JSON, but none of its first lines is a JSON object.",
            remedy="Write one object a line, without line breaks inside.",
        )
    columns = tuple(dict.fromkeys(name for row in rows for name in row))
    return Sample(path, "json", columns, tuple(rows[:SAMPLE_ROWS]))


def _sniff_table(path: Path, text: str, encoding: str, *, whole: bool) -> Sample:
    lines = [line for line in _LINE_END.split(text) if line.strip()]
    if not whole and len(lines) > 1:
        lines.pop()
    delimiter = _delimiter(lines[:100])
    quoted = delimiter not in {"::", "\x01", " "} and _is_quoted(lines[:2000], delimiter)
    rows = split_rows(lines[: SAMPLE_ROWS + 1], delimiter, quoted=quoted)
    header = _is_header(rows)
    names = rows[0] if header else [f"column_{i + 1}" for i in range(_width(rows))]
    columns = tuple(_distinct(name.strip() for name in names))
    body = rows[1:] if header else rows
    if body and all(len(row) != len(columns) for row in body):
        raise BadInputError(
            f"{path} names {len(columns)} columns in its first line, but its rows have "
            f"{_width(body)} values.",
            remedy="Export it again with one name a column, and quotes around values that need it.",
        )
    return Sample(
        path,
        "csv",
        columns,
        tuple(dict(zip(columns, row, strict=True)) for row in body if len(row) == len(columns)),
        Dialect(delimiter, header, quoted, encoding),
        tuple(lines[:SAMPLE_ROWS]),
    )


def split_rows(lines: list[str], delimiter: str, *, quoted: bool) -> list[list[str]]:
    """The cells of each line of a text table."""
    if len(delimiter) > 1 or not quoted:
        return [line.split(delimiter) for line in lines]
    reader = csv.reader(io.StringIO("\n".join(lines)), delimiter=delimiter)
    try:
        return [row for row in reader if row]
    except csv.Error:
        return [line.split(delimiter) for line in lines]


def _delimiter(lines: list[str]) -> str:
    """The delimiter that cuts most lines into the same number (> 1) of cells."""

    def agreement(delimiter: str) -> tuple[float, int]:
        widths = Counter(len(row) for row in split_rows(lines, delimiter, quoted=True))
        width, lines_agreeing = widths.most_common(1)[0]
        return (lines_agreeing / sum(widths.values()), width) if width > 1 else (0.0, 0)

    best = max(_DELIMITERS[:-1], key=agreement)
    if agreement(best)[0] >= 0.6:
        return best
    header_cells = {d: lines[0].count(d) for d in _DELIMITERS[:-1]}
    likely = max(header_cells, key=lambda d: header_cells[d])
    return likely if header_cells[likely] > 0 else " "


def _is_quoted(lines: list[str], delimiter: str) -> bool:
    """True unless quotes in the sample clearly do not enclose whole cells."""
    if delimiter != "\t":
        return True
    cells = [cell for line in lines for cell in line.split("\t") if '"' in cell]
    enclosed = sum(cell.startswith('"') and cell.endswith('"') for cell in cells)
    return bool(cells) and enclosed > 0.9 * len(cells)


def _width(rows: list[list[str]]) -> int:
    return Counter(len(row) for row in rows).most_common(1)[0][0]


def _is_header(rows: list[list[str]]) -> bool:
    first = [cell.strip() for cell in rows[0]]
    if any(_NUMBER.match(cell) or millis_of(cell) is not None for cell in first) or not any(first):
        return False
    return len(set(first)) == len(first)


def _distinct(names: Iterable[str]) -> list[str]:
    seen: Counter[str] = Counter()
    out = []
    for position, name in enumerate(names, start=1):
        plain = name or f"column_{position}"
        seen[plain] += 1
        out.append(plain if seen[plain] == 1 else f"{plain}_{seen[plain]}")
    return out


def columns_in_words(sample: Sample) -> str:
    """The columns of a file for an error message."""
    shown = ", ".join(" ".join(name.split())[:60] for name in sample.columns[:20])
    return shown + (" …" if len(sample.columns) > 20 else "")
