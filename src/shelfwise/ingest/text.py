"""Text as it was meant: entities and tags resolved, mojibake undone, NFKC, single spaces."""

from __future__ import annotations

import html
import re
import unicodedata
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from shelfwise.ingest.arrays import as_strings, mask_of, parse_distinct, replace_where

_NEEDS_WORK: Final = r"[^\x20-\x7e]|[&<]|  |^ | $"
_TAG: Final = re.compile(r"<(?:!--.*?--|/?[a-zA-Z][^<>]{0,500})>", re.DOTALL)
_BLOCK: Final = re.compile(r"<(script|style)\b.*?</\1\s*>", re.DOTALL | re.IGNORECASE)
_SPACES: Final = re.compile(r"\s+")


def _sloppy(byte: int) -> str:
    """What a program showing UTF-8 as Windows-1252 makes of one byte."""
    one = bytes([byte])
    try:
        return one.decode("cp1252")
    except UnicodeDecodeError:
        return one.decode("latin-1")


_BYTE_OF: Final = {_sloppy(byte): byte for byte in range(0x80, 0x100)}
_TAIL: Final = "[" + "".join(re.escape(_sloppy(byte)) for byte in range(0x80, 0xC0)) + "]"
_LATIN_RUN: Final = re.compile(
    f"[ÂÃ]{_TAIL}|[ÄÅ]{_TAIL}|â{_TAIL}{{2}}|ï[¬¼½¿»]{_TAIL}|ð{_TAIL}{{3}}"
)
_OTHER_RUN: Final = re.compile(f"[ÐÑÎÏ]{_TAIL}|[ãäåæçèéêëìí]{_TAIL}{{2}}")


def clean_text(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    """The texts of a column in their plain form; what is left empty becomes null.

    Only texts with something unusual in them are touched one by one.

    >>> clean_text(pa.array(["  Caf&eacute;  <b>cr&egrave;me</b>", "cafÃ©", " "])).to_pylist()
    ['Café crème', 'café', None]
    """
    values = as_strings(column)
    odd = mask_of(pc.match_substring_regex(values, _NEEDS_WORK))
    if odd.any():
        values = replace_where(
            values, odd, parse_distinct(values.filter(pa.array(odd)), plain_text)
        )
    empty = mask_of(pc.equal(values, ""))
    if empty.any():
        values = pc.if_else(pa.array(empty), pa.scalar(None, pa.string()), values)
    return values


def plain_text(text: str) -> str:
    r"""One text in its plain form.

    >>> plain_text("Jack &amp; Jill&#39;s\u200b ﬁne\x07  mug")
    "Jack & Jill's fine mug"
    """
    if "<" in text:
        text = _TAG.sub(" ", _BLOCK.sub(" ", text))
    if "&" in text:
        text = html.unescape(html.unescape(text))
        text = _TAG.sub(" ", text) if "<" in text else text
    if not text.isascii():
        text = unicodedata.normalize("NFKC", repair_mojibake(text))
    text = "".join(char if char.isprintable() else _visible(char) for char in text)
    return _SPACES.sub(" ", text).strip()


def _visible(char: str) -> str:
    return " " if char.isspace() or char == "\ufffd" else ""


def repair_mojibake(text: str) -> str:
    r"""The text, with UTF-8 that was shown as Windows-1252 read as UTF-8 again.

    Western letters and punctuation are repaired wherever they stand; other scripts only where
    three or more such runs show that it is no accident.

    >>> repair_mojibake("cafÃ© â€œnoirâ€\x9d"), repair_mojibake("ÃƒÂ©"), repair_mojibake("Ã la")
    ('café “noir”', 'é', 'Ã la')
    """
    for _ in range(2):
        repaired = _LATIN_RUN.sub(_decode_run, text)
        if len(_OTHER_RUN.findall(repaired)) >= 3:
            repaired = _OTHER_RUN.sub(_decode_run, repaired)
        if repaired == text:
            break
        text = repaired
    return text


def _decode_run(run: re.Match[str]) -> str:
    try:
        return bytes(_BYTE_OF[char] for char in run[0]).decode("utf-8")
    except (UnicodeDecodeError, KeyError):
        return run[0]


def clean_ids(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    """Ids without white space around them; what is left empty becomes null."""
    values = pc.utf8_trim_whitespace(as_strings(column))
    empty = mask_of(pc.equal(values, ""))
    if empty.any():
        values = pc.if_else(pa.array(empty), pa.scalar(None, pa.string()), values)
    return values
