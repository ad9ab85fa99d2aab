"""Times in whatever way shops write them, as UTC milliseconds since 1970.

Understood: seconds, milliseconds, microseconds and nanoseconds since 1970 (told apart by size),
`20101201` and `20101201082600`, ISO 8601 with or without zone, `12/31/2010 8:26`, `31.12.2010`,
`1 Dec 2010`, `Dec 1, 2010`, `06 17, 2018`, `2010年12月1日`. A time without a zone is UTC.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from shelfwise.ingest.arrays import flat, parse_distinct

EARLIEST_MS: Final = 788_918_400_000
"""1995-01-01: no shop was online before."""
LATEST_AHEAD_MS: Final = 2 * 86_400_000
"""How far the clock of a shop may run ahead of ours."""

_DAY: Final = r"\d{4}-\d\d-\d\d"
_ISO: Final = rf"^{_DAY}([ T]\d\d:\d\d(:\d\d(\.\d{{1,6}})?)?)?$"
_ISO_ZONE: Final = rf"^{_DAY}[ T]\d\d:\d\d(:\d\d(\.\d{{1,6}})?)?(Z|[+-]\d\d(:?\d\d)?)$"
_INTEGER: Final = r"^-?\d{1,18}$"
_PARTS: Final = re.compile(
    r"(\d{1,4})([/.\-])(\d{1,2})[/.\-](\d{1,4})"
    r"(?:[ T,]+(\d{1,2}):(\d\d)(?::(\d\d)(?:[.,](\d+))?)?\s*([AaPp])?\.?[Mm]?\.?)?"
)
_WORDED: Final = ("%b %d %Y", "%B %d %Y", "%d %b %Y", "%d %B %Y", "%d %b %y", "%m %d %Y")
_CLOCKS: Final = ("", " %H:%M", " %H:%M:%S", " %I:%M %p", " %I:%M:%S %p")


def to_millis(column: pa.ChunkedArray, *, day_first: bool) -> tuple[NDArray[np.int64], pa.Array]:
    """The times of a column as UTC milliseconds, and a mask of those that could be read.

    `day_first` decides how dates like 03/04/2011 are read where nothing else does.

    >>> times, known = to_millis(pa.chunked_array([["1291191960", "2010-12-01T08:26:00Z", "soon"]]),
    ...                          day_first=False)
    >>> times.tolist()[:2], known.tolist()
    ([1291191960000, 1291191960000], [True, True, False])
    """
    values = flat(column)
    kind = values.type
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        return _from_typed(values)
    if pa.types.is_string(kind):
        return _from_text(values, day_first=day_first)
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return _from_numbers(values)
    return np.zeros(len(values), np.int64), np.zeros(len(values), np.bool_)


def in_range(times: NDArray[np.int64], now_ms: int) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which times are too early, and which too late, to be true."""
    return times < EARLIEST_MS, times > now_ms + LATEST_AHEAD_MS


def is_day_first(values: Iterable[object]) -> bool | None:
    """Whether dates like 03/04/2011 put the day first, judged by all; None if none tells.

    >>> is_day_first(["3/4/2011 8:00", "25/4/2011 9:00"]), is_day_first(["3/4/2011"])
    (True, None)
    """
    day = month = 0
    for value in values:
        found = _PARTS.match(str(value))
        if found and len(found[1]) <= 2:
            day += int(found[1]) > 12 or found[2] == "."
            month += int(found[3]) > 12
    return None if day == month else day > month


def _from_typed(values: pa.Array) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    millis = values.cast(pa.timestamp("ms")) if pa.types.is_date(values.type) else None
    if millis is None:
        millis = values.cast(pa.timestamp("ms", values.type.tz), safe=False)
    known = values.is_valid().to_numpy(zero_copy_only=False)
    return millis.cast(pa.int64()).fill_null(0).to_numpy(), known


def _from_numbers(values: pa.Array) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    known = values.is_valid().to_numpy(zero_copy_only=False)
    if pa.types.is_integer(values.type):
        numbers = values.cast(pa.int64(), safe=False).fill_null(0).to_numpy()
        return epoch_millis(numbers), known
    reals = values.cast(pa.float64()).fill_null(0.0).to_numpy()
    finite = np.isfinite(reals) & (np.abs(reals) < 9e18)
    return _real_millis(np.where(finite, reals, 0.0)), known & finite


def _real_millis(numbers: NDArray[np.float64]) -> NDArray[np.int64]:
    """Like `epoch_millis`, keeping the fractions of a second."""
    seconds = np.abs(numbers) < 1e11
    whole = epoch_millis(numbers.astype(np.int64))
    compact = seconds & _is_compact_day(numbers.astype(np.int64))
    exact = np.rint(np.where(seconds, numbers, 0.0) * 1000.0).astype(np.int64)
    return np.where(seconds & ~compact, exact, whole)


def _is_compact_day(numbers: NDArray[np.int64]) -> NDArray[np.bool_]:
    month, day = numbers // 100 % 100, numbers % 100
    in_years = (numbers >= 19_000_101) & (numbers <= 22_001_231)
    return in_years & (month >= 1) & (month <= 12) & (day >= 1) & (day <= 31)


def epoch_millis(numbers: NDArray[np.int64]) -> NDArray[np.int64]:
    """Milliseconds from times counted in s, ms, µs or ns, or written `YYYYMMDD[hhmmss]`.

    A number between 1e11 and 1e14 can only be milliseconds if it lies between 1973 and 5138;
    the other units follow at factors of a thousand.

    >>> epoch_millis(np.array([1291191960, 1291191960000, 1291191960000000, 20101201])).tolist()
    [1291191960000, 1291191960000, 1291191960000, 1291161600000]
    """
    size = np.abs(numbers)
    out = np.select(
        [size < 10**11, size < 10**14, size < 10**17],
        [np.where(size < 10**11, numbers, 0) * 1000, numbers, numbers // 1000],
        numbers // 1_000_000,
    ).astype(np.int64)
    days = numbers // 1_000_000
    with_clock = (size < 10**14) & _is_compact_day(days)
    compact = _is_compact_day(numbers)
    if compact.any() or with_clock.any():
        out = np.where(compact, _compact_day_millis(numbers), out)
        clock = numbers % 1_000_000
        of_day = (clock // 10_000 * 60 + clock // 100 % 100) * 60_000 + clock % 100 * 1000
        out = np.where(with_clock, _compact_day_millis(days) + of_day, out)
    return out


def _compact_day_millis(days: NDArray[np.int64]) -> NDArray[np.int64]:
    usable = np.where(_is_compact_day(days), days, 19_700_101)
    months = (usable // 10_000 - 1970) * 12 + usable // 100 % 100 - 1
    first = months.astype("datetime64[M]").astype("datetime64[D]")
    millis: NDArray[np.int64] = (
        (first + (usable % 100 - 1)).astype("datetime64[ms]").astype(np.int64)
    )
    return millis


def _from_text(values: pa.Array, *, day_first: bool) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    text = pc.utf8_trim_whitespace(values)
    first = next((v.as_py() for v in text if v.is_valid), "")
    if first.endswith(" UTC"):
        text = pc.replace_substring_regex(text, " UTC$", "")
    out = np.zeros(len(values), np.int64)
    known = np.zeros(len(values), np.bool_)
    for pattern, read in ((_ISO, _read_iso), (_INTEGER, _read_integers), (_ISO_ZONE, _read_zoned)):
        fits = pc.match_substring_regex(text, pattern).fill_null(False)
        mask = fits.to_numpy(zero_copy_only=False) & ~known
        if mask.any() and (millis := read(text if mask.all() else text.filter(mask))) is not None:
            out[mask] = millis
            known |= mask
        if known.all():
            return out, known
    left = ~known & text.is_valid().to_numpy(zero_copy_only=False)
    if left.any():
        rest = parse_distinct(text.filter(left), lambda one: millis_of(one, day_first=day_first))
        found = pa.array(rest, pa.int64())
        out[left] = found.fill_null(0).to_numpy()
        known[left] = found.is_valid().to_numpy(zero_copy_only=False)
    return out, known


def _read_iso(text: pa.Array) -> NDArray[np.int64] | None:
    return _cast_millis(text, pa.timestamp("us"))


def _read_zoned(text: pa.Array) -> NDArray[np.int64] | None:
    return _cast_millis(text, pa.timestamp("us", "UTC"))


def _cast_millis(text: pa.Array, kind: pa.DataType) -> NDArray[np.int64] | None:
    try:
        micros: NDArray[np.int64] = text.cast(kind).cast(pa.int64()).to_numpy()
    except pa.ArrowInvalid:
        return None
    return micros // 1000


def _read_integers(text: pa.Array) -> NDArray[np.int64]:
    return epoch_millis(text.cast(pa.int64()).to_numpy())


def millis_of(text: str, *, day_first: bool = False) -> int | None:
    """UTC milliseconds of one written time, None when it cannot be read.

    >>> [millis_of(t) for t in ("12/1/2010 8:26", "1 Dec 2010 08:26", "yesterday")]
    [1291191960000, 1291191960000, None]
    """
    plain = text.strip().replace("年", "-").replace("月", "-").replace("日", "")
    for read in (_number, _iso, lambda t: _parts(t, day_first=day_first), _worded, _mail):
        try:
            moment = read(plain)
        except (ValueError, OverflowError, TypeError, IndexError):
            continue
        if isinstance(moment, int):
            return moment
        if moment is not None:
            aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
            return round(aware.timestamp() * 1000)
    return None


def _number(text: str) -> int | None:
    number = float(text)
    return int(_real_millis(np.array([number]))[0]) if abs(number) < 9e18 else None


def _iso(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _parts(text: str, *, day_first: bool) -> datetime | None:
    found = _PARTS.fullmatch(text)
    if not found:
        return None
    first, second, third = int(found[1]), int(found[3]), int(found[4])
    if len(found[1]) == 4:
        year, month, day = first, second, third
    else:
        year = third + 2000 if len(found[4]) <= 2 else third
        by_day = first > 12 or (second <= 12 and (day_first or found[2] == "."))
        day, month = (first, second) if by_day else (second, first)
    hour = int(found[5] or 0)
    if found[9]:
        hour = hour % 12 + (12 if found[9] in "Pp" else 0)
    micros = int((found[8] or "0")[:6].ljust(6, "0"))
    return datetime(
        year, month, day, hour, int(found[6] or 0), int(found[7] or 0), micros, tzinfo=UTC
    )


def _worded(text: str) -> datetime | None:
    plain = re.sub(r"[,\-]\s*|\s+", " ", text)
    for day in _WORDED:
        for clock in _CLOCKS:
            try:
                return datetime.strptime(plain, day + clock).replace(tzinfo=UTC)
            except ValueError:
                continue
    return None


def _mail(text: str) -> datetime | None:
    return parsedate_to_datetime(text) if "," in text and ":" in text else None
