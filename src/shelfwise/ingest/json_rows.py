"""JSON lines as chunks: one object a line (also the Python dicts of older Amazon dumps)."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from pathlib import Path

import msgspec
import numpy as np
import pyarrow as pa

from shelfwise.ingest.batch import Chunk, Malformed, Progress
from shelfwise.ingest.source import open_stream
from shelfwise.ingest.text_blocks import NULL_WORDS, text_blocks

_decoder = msgspec.json.Decoder()
_encode = msgspec.json.encode


def decode_object(line: bytes) -> dict[str, object] | None:
    """The object written on one line, or None when there is none.

    >>> decode_object(b'{"a": 1}'), decode_object(b"{'a': 1}"), decode_object(b'{"a": ')
    ({'a': 1}, {'a': 1}, None)
    """
    value = decode_value(line)
    return value if isinstance(value, dict) else None


def decode_value(text: bytes) -> object:
    """The value written as JSON or as a Python literal, None when it is neither."""
    try:
        value: object = _decoder.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return _decode_leniently(text.decode(errors="replace").strip())
    return value


def _decode_leniently(text: str) -> object:
    for read in (json.loads, ast.literal_eval):
        try:
            value: object = read(text)
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            continue
        return value
    return None


def read_json(
    path: Path, columns: tuple[str, ...], progress: Progress | None = None
) -> Iterator[Chunk]:
    """The objects of a file in order, of each the values named in `columns`.

    Lists and objects come as JSON text; a column with several types of value comes as text.
    """
    stream = open_stream(path)
    line = 1
    try:
        for block in text_blocks(stream, "utf-8", progress):
            lines = block.split(b"\n")
            if not lines[-1]:
                lines.pop()
            yield _chunk(lines, line, columns)
            line += len(lines)
    finally:
        stream.close()


def _chunk(lines: list[bytes], first_line: int, columns: tuple[str, ...]) -> Chunk:
    rows: list[dict[str, object]] = []
    texts: list[bytes] = []
    at: list[int] = []
    malformed: list[Malformed] = []
    for number, text in enumerate(lines, start=first_line):
        if not text or text.isspace():
            continue
        row = decode_object(text)
        if row is None:
            malformed.append(Malformed(number, "invalid_json", text.decode(errors="replace")))
            continue
        rows.append(row)
        texts.append(text)
        at.append(number)
    table = pa.table([column_of([row.get(name) for row in rows]) for name in columns], columns)
    return Chunk(table, np.array(at, np.int64), tuple(malformed), lambda row: _as_json(texts[row]))


def _as_json(text: bytes) -> str:
    """A line as JSON: as it is, or written anew where it was Python."""
    try:
        _decoder.decode(text)
    except msgspec.DecodeError:
        return json.dumps(decode_object(text), ensure_ascii=False, default=str)
    return text.decode()


def column_of(values: list[object]) -> pa.Array:
    """An Arrow array of numbers, true/false or text; lists and objects as JSON text.

    >>> column_of([1, None, 2.5]).type, column_of(["a", 1]).to_pylist(), column_of([["x"]])[0]
    (DataType(double), ['a', '1'], <pyarrow.StringScalar: '["x"]'>)
    """
    kinds = {type(value) for value in values} - {type(None)}
    if kinds == {str}:
        return _texts(values)
    if kinds <= {int} and kinds:
        return _integers(values)
    if kinds <= {int, float} and kinds:
        return pa.array(values, pa.float64())
    if kinds == {bool}:
        return pa.array(values, pa.bool_())
    return _texts([value if value is None else as_text(value) for value in values])


def _integers(values: list[object]) -> pa.Array:
    try:
        return pa.array(values, pa.int64())
    except (pa.ArrowInvalid, OverflowError):
        return pa.array([None if value is None else str(value) for value in values], pa.string())


def _texts(values: list[object]) -> pa.Array:
    return pa.array([None if value in NULL_WORDS else value for value in values], pa.string())


def as_text(value: object) -> str:
    """A value as text: JSON for lists, objects and true or false."""
    return value if isinstance(value, str) else _encode(value, order=None).decode()
