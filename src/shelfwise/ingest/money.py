"""Numbers and prices as people write them: `$1,299.00`, `12,99 €`, `USD 5`, `1.234,56`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from shelfwise.ingest.arrays import flat, parse_distinct

_SYMBOLS: Final = {
    "US$": "USD", "C$": "CAD", "A$": "AUD", "HK$": "HKD", "R$": "BRL", "$": "USD", "€": "EUR",
    "£": "GBP", "₹": "INR", "Rs.": "INR", "Rs": "INR", "元": "CNY", "RMB": "CNY", "CN¥": "CNY",
    "¥": "JPY", "￥": "CNY", "円": "JPY", "₽": "RUB", "₩": "KRW", "zł": "PLN", "₺": "TRY",
}  # fmt: skip
_MONEY: Final = re.compile(
    r"(?P<minus>[-(])?\s*(?P<before>[^\d\s.,(-]{1,4}\.?)?\s*(?P<minus2>-)?"
    r"(?P<number>\d[\d.,'\u00a0\u202f ]*|[.,]\d+)\s*(?P<after>[^\d\s.,)]{1,4}\.?)?\s*\)?\s*"
    r"(?:[-–to]+\s*\D{0,4}[\d.,]+.*)?"
)
_CODE: Final = re.compile(r"[A-Za-z]{3}")


@dataclass(frozen=True)
class Numbers:
    """A column of numbers that may have been money."""

    values: NDArray[np.float64]
    """NaN where there is none."""
    unreadable: NDArray[np.bool_]
    """True where there was something, but not a number."""
    currency: pa.Array | None
    """ISO 4217 codes where the text named one; None when no text did."""


def read_numbers(column: pa.Array | pa.ChunkedArray) -> Numbers:
    """The numbers of a column, however they are written.

    >>> read = read_numbers(pa.array(["12.5", "12,99 €", "1.234,50", "call us", None]))
    >>> read.values.tolist()[:3], read.unreadable.tolist(), read.currency.to_pylist()[1]
    ([12.5, 12.99, 1234.5], [False, False, False, True, False], 'EUR')
    """
    values = flat(column)
    if not pa.types.is_string(values.type):
        return _typed(values)
    try:
        return _typed(values.cast(pa.float64()))
    except pa.ArrowInvalid:
        return _from_text(values)


def _typed(values: pa.Array) -> Numbers:
    if pa.types.is_boolean(values.type) or pa.types.is_null(values.type):
        values = values.cast(pa.int8())
    try:
        numbers = values.cast(pa.float64(), safe=False).fill_null(np.nan).to_numpy()
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        given = values.is_valid().to_numpy(zero_copy_only=False)
        return Numbers(np.full(len(values), np.nan), np.asarray(given), None)
    infinite = np.isinf(numbers)
    return Numbers(np.where(infinite, np.nan, numbers), infinite, None)


def _from_text(values: pa.Array) -> Numbers:
    text = pc.utf8_trim_whitespace(values)
    plain = pc.match_substring_regex(text, r"^[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?$")
    easy = plain.fill_null(False).to_numpy(zero_copy_only=False)
    given = pc.greater(pc.binary_length(text), 0).fill_null(False).to_numpy(zero_copy_only=False)
    out = np.full(len(values), np.nan)
    out[easy] = text.filter(easy).cast(pa.float64()).to_numpy()
    hard = given & ~easy
    parsed = parse_distinct(text.filter(hard), read_money)
    out[hard] = [np.nan if pair is None or pair[0] is None else pair[0] for pair in parsed]
    unreadable = given & ~np.isfinite(out)
    out[unreadable] = np.nan
    codes = [None if pair is None else pair[1] for pair in parsed]
    if not any(codes):
        return Numbers(out, unreadable, None)
    currency = np.full(len(values), None, dtype=object)
    currency[hard] = codes
    return Numbers(out, unreadable, pa.array(currency, pa.string()))


def read_money(text: str) -> tuple[float | None, str | None]:
    """Amount and currency of one written price; of a range, the lower end.

    >>> [read_money(t) for t in ("12.99 USD", "€1.234,56", "$5 - $9", "Rs. 399", "(3.50)", "free")]
    [(12.99, 'USD'), (1234.56, 'EUR'), (5.0, 'USD'), (399.0, 'INR'), (-3.5, None), (None, None)]
    """
    found = _MONEY.fullmatch(text.strip())
    if not found:
        return None, None
    mark = found["before"] or found["after"]
    currency = currency_code(mark) if mark else None
    if mark and currency is None:
        return None, None
    amount = _plain_number(found["number"])
    if amount is None:
        return None, None
    return (-amount if found["minus"] or found["minus2"] else amount), currency


def currency_code(text: str) -> str | None:
    """The ISO 4217 code of a currency's code or sign, None when it is neither.

    >>> currency_code("usd"), currency_code("£"), currency_code("pounds")
    ('USD', 'GBP', None)
    """
    plain = text.strip()
    known = _SYMBOLS.get(plain) or _SYMBOLS.get(plain.rstrip("."))
    return known or (plain.upper() if _CODE.fullmatch(plain) else None)


def _plain_number(text: str) -> float | None:
    digits = re.sub(r"['\u00a0\u202f ]", "", text).rstrip(".,")
    comma, point = digits.rfind(","), digits.rfind(".")
    if comma >= 0 and point >= 0:
        decimal = max(comma, point)
    elif comma >= 0:
        decimal = -1 if _groups_thousands(digits, ",") else comma
    else:
        decimal = -1 if digits.count(".") > 1 and _groups_thousands(digits, ".") else point
    whole = digits if decimal < 0 else digits[:decimal]
    fraction = "" if decimal < 0 else digits[decimal + 1 :]
    try:
        return float(f"{whole.replace(',', '').replace('.', '') or '0'}.{fraction or '0'}")
    except ValueError:
        return None


def _groups_thousands(digits: str, mark: str) -> bool:
    head, *groups = digits.split(mark)
    if not 1 <= len(head) <= 3 or head == "0" or len(groups[-1]) != 3:
        return False
    return all(len(group) in {2, 3} for group in groups)  # 1,09,999 in India
