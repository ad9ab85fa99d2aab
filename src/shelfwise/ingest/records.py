"""Where the records of a text table begin and end: a byte scanner that survives broken quotes.

Arrow's reader stops at the first bad record and cannot say on which line a record stands, so the
records are found here first (about 1 GB a second, compiled by Numba) and only whole ones are given
to Arrow. The rules are Arrow's: a quote opens a value only at its beginning; a doubled quote inside
a quoted value is a quote.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numba
import numpy as np
from numpy.typing import NDArray

LONGEST_RECORD: Final = 1 << 20
"""Bytes after which an open quote is taken for a stray one."""

BROKEN_QUOTE: Final = -1
"""Number of fields given to a line whose quote is never closed, or closed in a wrong place."""

_NEWLINE: Final = 10
_RETURN: Final = 13
_SPACE: Final = 32


@dataclass(frozen=True)
class Records:
    """The records of one block of bytes; blank lines are not records."""

    start: NDArray[np.int64]
    """Offset of the first byte of each."""
    end: NDArray[np.int64]
    """Offset behind the last byte, without the line end."""
    line: NDArray[np.int64]
    """Lines of the block before each."""
    fields: NDArray[np.int32]
    """Number of values in each, or `BROKEN_QUOTE`."""
    consumed: int
    """Bytes that belong to whole records; the rest waits for the next block."""
    lines: int
    """Lines in the bytes consumed."""

    def __len__(self) -> int:
        return len(self.start)


def find_records(
    block: bytes, delimiter: bytes, *, quoted: bool, width: int, final: bool
) -> Records:
    r"""The records of `block`; `final` says that nothing follows it.

    A record over several lines that does not come to `width` values, or has text behind a closing
    quote, is taken for a stray quote: its first line is marked `BROKEN_QUOTE` and the scan goes on
    behind it, so that one bad quote does not swallow the good lines after it.

    >>> found = find_records(b'a,"x\ny"\n\nb,c', b",", quoted=True, width=2, final=True)
    >>> found.line.tolist(), found.fields.tolist(), found.lines
    ([0, 3], [2, 2], 4)
    """
    data = np.frombuffer(block, np.uint8)
    room = int(np.count_nonzero((data == _NEWLINE) | (data == _RETURN))) + 1
    start, end = np.empty(room, np.int64), np.empty(room, np.int64)
    line, fields = np.empty(room, np.int64), np.empty(room, np.int32)
    n, consumed, lines = _scan(
        data, ord(delimiter), ord('"') if quoted else -1, width, final, start, end, line, fields
    )
    return Records(start[:n], end[:n], line[:n], fields[:n], consumed, lines)


@numba.njit(cache=True, nogil=True)
def _scan(  # noqa: C901, PLR0912, PLR0915 - one state machine; calls would cost half its speed
    data: NDArray[np.uint8],
    delimiter: int,
    quote: int,
    width: int,
    final: bool,
    start: NDArray[np.int64],
    end: NDArray[np.int64],
    line: NDArray[np.int64],
    fields: NDArray[np.int32],
) -> tuple[int, int, int]:
    size = len(data)
    n = 0
    begin = 0  # of the record
    lines = 0  # before the record
    while begin < size:
        i = begin
        count = 1
        inner = 0  # line ends inside quotes
        first_break = -1
        at_start = True
        in_quotes = False
        closed = False  # a quoted value ended just now
        astray = False  # and something other than a delimiter came after it
        stop = -1
        while i < size:
            c = data[i]
            if in_quotes:
                if c == quote:
                    if i + 1 < size and data[i + 1] == quote:
                        i += 1
                    else:
                        in_quotes = False
                        closed = True
                elif c == _NEWLINE:
                    inner += 1
                    if first_break < 0:
                        first_break = i
                    if i - begin > LONGEST_RECORD:
                        break
            elif c == delimiter:
                count += 1
                at_start = True
                closed = False
                i += 1
                continue
            elif c == _NEWLINE or c == _RETURN:  # noqa: PLR1714, SIM109 - a set is slow here
                stop = i
                break
            elif c == quote and at_start:
                in_quotes = True
            elif closed:
                astray = True
            at_start = False
            i += 1
        if stop >= 0:
            behind = stop + 1
            if data[stop] == _RETURN:
                if behind == size and not final:
                    break
                if behind < size and data[behind] == _NEWLINE:
                    behind += 1
        elif i >= size and not final:
            break
        else:
            stop = behind = size
        broken = in_quotes
        if inner > 0 and (in_quotes or astray or count != width):
            broken = True
            stop = first_break
            behind = first_break + 1
            inner = 0
        blank = True
        for j in range(begin, stop):
            if data[j] != _SPACE and data[j] != _RETURN:
                blank = False
                break
        if not blank:
            start[n] = begin
            end[n] = stop
            line[n] = lines
            fields[n] = BROKEN_QUOTE if broken else count
            n += 1
        lines += inner + 1
        begin = behind
    return n, begin, lines
