"""The text of a file in blocks of whole lines, whatever its encoding."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from shelfwise.core.errors import BadInputError
from shelfwise.ingest.batch import Progress
from shelfwise.ingest.source import ByteStream, in_utf8, to_utf8

BLOCK_BYTES: Final = 8 << 20
_LONGEST_LINE: Final = 64 << 20

NULL_WORDS: Final = ("", "null", "NULL", "Null", "NaN", "nan", "None", "none", "\\N", "<NA>", "NaT")
"""What exports write where there is no value."""


def text_blocks(
    stream: ByteStream, encoding: str, progress: Progress | None, block_bytes: int = BLOCK_BYTES
) -> Iterator[bytes]:
    """The text of a file as UTF-8 in blocks of whole lines (the last may lack its line end)."""
    readable = in_utf8(stream, encoding)
    rest = b""
    first = True
    while data := readable.read(block_bytes):
        if b"\n" not in data and b"\r" in data:
            data = data.replace(b"\r", b"\n")
        block = rest + data
        cut = block.rfind(b"\n") + 1
        rest = block[cut:]
        if len(rest) > _LONGEST_LINE:
            raise BadInputError(
                f"{stream.path} has a line of more than {_LONGEST_LINE >> 20} MiB.",
                remedy="Give CSV or JSON lines with one record a line.",
            )
        if cut:
            whole = to_utf8(block[:cut], encoding)
            yield whole.removeprefix(b"\xef\xbb\xbf") if first else whole
            first = False
        if progress:
            progress(stream.tell(), stream.size)
    if rest:
        whole = to_utf8(rest, encoding)
        yield whole.removeprefix(b"\xef\xbb\xbf") if first else whole
