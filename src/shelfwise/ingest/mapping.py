"""Which column of a file is which of ours, and why: by name, by a word in it, by its content."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from shelfwise.core.errors import BadInputError
from shelfwise.ingest.aliases import (
    ALIASES,
    HINTS,
    ID_WORDS,
    REQUIRED,
    is_attribute,
    plain,
    words,
)
from shelfwise.ingest.event_names import event_type_of
from shelfwise.ingest.sniffing import Sample, columns_in_words
from shelfwise.ingest.times import EARLIEST_MS, millis_of

_ALIASES: Final = {
    kind: {ours: [plain(name) for name in names.split()] for ours, names in columns.items()}
    for kind, columns in ALIASES.items()
}
_YEAR_2100_MS: Final = 4_102_444_800_000


@dataclass(frozen=True)
class MappedColumn:
    """One column of the source taken as one of ours."""

    source: str
    column: str
    """Ours, as in the canonical files."""
    kind: str
    """events, products or reviews."""
    how: str
    """How it was recognised, for people."""


@dataclass(frozen=True)
class ColumnMapping:
    """All that was decided about the columns of one file."""

    columns: tuple[MappedColumn, ...]
    unmapped: tuple[str, ...]
    """Columns that are not used."""
    notes: tuple[str, ...] = ()
    """What was assumed, one sentence each."""

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of row the file gives, the main one first."""
        return tuple(dict.fromkeys(mapped.kind for mapped in self.columns))

    @property
    def sources(self) -> tuple[str, ...]:
        """The columns of the file that are read, in the order of the mapping."""
        return tuple(dict.fromkeys(mapped.source for mapped in self.columns))

    def of_kind(self, kind: str) -> dict[str, str]:
        """Our column → the source's, for one kind (the last where several go into one)."""
        return {m.column: m.source for m in self.columns if m.kind == kind}

    def attributes(self, kind: str) -> tuple[str, ...]:
        """The source columns that become attribute tokens."""
        return tuple(m.source for m in self.columns if m.kind == kind and m.column == "attributes")


def map_columns(sample: Sample, kind: str) -> list[MappedColumn]:
    """The columns of the file that are recognised as columns of `kind`."""
    found: dict[str, MappedColumn] = {}
    by_plain_name = {plain(name): name for name in reversed(sample.columns)}
    for ours, names in _ALIASES[kind].items():
        taken = {mapped.source for mapped in found.values()}
        for name in names:
            source = by_plain_name.get(name)
            if source is not None and source not in taken:
                how = "its name" if plain(ours) == name else f"also known as {ours}"
                found[ours] = MappedColumn(source, ours, kind, how)
                break
    for guess in (_by_word, _by_content):
        left = [name for name in sample.columns if name not in {m.source for m in found.values()}]
        for mapped in guess(sample, kind, left, set(found)):
            found.setdefault(mapped.column, mapped)
    return [*found.values(), *_attribute_columns(sample, kind, found.values())]


def _by_word(sample: Sample, kind: str, left: list[str], known: set[str]) -> Iterable[MappedColumn]:
    del sample
    for ours, hints in HINTS.items():
        if ours in known or ours not in ALIASES[kind]:
            continue
        for name in left:
            parts = words(name)
            hit = next((word for word in parts if word in hints), None)
            if hit and _is_plausible(ours, parts):
                yield MappedColumn(name, ours, kind, f"the word {hit!r} in its name")
                left.remove(name)
                break


def _is_plausible(ours: str, parts: list[str]) -> bool:
    return not ours.endswith("_id") or len(parts) == 1 or bool(ID_WORDS.intersection(parts))


def _by_content(
    sample: Sample, kind: str, left: list[str], known: set[str]
) -> Iterable[MappedColumn]:
    if kind != "events":
        return
    for name in left:
        values = sample.values(name)
        if "event_type" not in known and _are_event_types(values):
            known.add("event_type")
            yield MappedColumn(name, "event_type", kind, "its values are event types")
        elif "timestamp" not in known and _are_times(values):
            known.add("timestamp")
            yield MappedColumn(name, "timestamp", kind, "its values are times")


def _are_event_types(values: list[object]) -> bool:
    distinct = {value for value in values if isinstance(value, str)}
    return 0 < len(distinct) <= 15 and all(event_type_of(name) for name in distinct)


def _are_times(values: list[object]) -> bool:
    if len(values) < 3:
        return False
    times = [millis_of(str(value)) for value in values[:50]]
    return all(time is not None and EARLIEST_MS <= time < _YEAR_2100_MS for time in times)


def _attribute_columns(
    sample: Sample, kind: str, found: Iterable[MappedColumn]
) -> list[MappedColumn]:
    if kind != "products":
        return []
    taken = {mapped.source for mapped in found}
    return [
        MappedColumn(name, "attributes", kind, "an attribute of products")
        for name in sample.columns
        if name not in taken and is_attribute(name)
    ]


def mapping_of(
    sample: Sample, columns: Iterable[MappedColumn], notes: Iterable[str] = ()
) -> ColumnMapping:
    """The mapping made of `columns`; every other column of the file is listed as unmapped."""
    mapped = tuple(columns)
    used = {one.source for one in mapped}
    unmapped = tuple(name for name in sample.columns if name not in used)
    return ColumnMapping(mapped, unmapped, tuple(notes))


def fixed(sample: Sample, kind: str, format_name: str, **ours: str) -> list[MappedColumn]:
    """A connector's own mapping: each of `ours` names a source column; absent ones are left out.

    The case of the source's columns does not matter.
    """
    present = {name.lower(): name for name in reversed(sample.columns)}
    return [
        MappedColumn(present[source.lower()], column, kind, f"{format_name} format")
        for column, source in ours.items()
        if source.lower() in present
    ]


def require(
    sample: Sample, kind: str, columns: Iterable[MappedColumn], but: Iterable[str] = ()
) -> None:
    """Raise `BadInputError` unless what rows of `kind` cannot do without is among `columns`.

    Columns named by `but` may be missing this time.
    """
    found = {mapped.column for mapped in columns} | set(but)
    for needed in REQUIRED[kind]:
        if needed not in found:
            raise missing(sample, kind, needed)
    if kind == "events" and not found & {"user_id", "session_id"}:
        raise missing(sample, kind, "user_id")
    if kind == "products" and len(found) == 1:
        raise missing(sample, kind, "title")


def missing(sample: Sample, kind: str, column: str) -> BadInputError:
    """The error for a column that is not there: what was found, what was looked for."""
    names = ALIASES[kind][column].split()
    near = difflib.get_close_matches(
        column, [name for name in sample.columns if plain(name) not in _known(kind)], n=1
    ) or [name for name in sample.columns for near in names[:8] if _is_near(name, near)]
    meant = f" Did you mean {near[0]!r}?" if near else ""
    headless = sample.dialect is not None and not sample.dialect.header
    found = "The file has no header line" if headless else f"Found: {columns_in_words(sample)}"
    return BadInputError(
        f"{sample.path} has no column for {column} of {kind}. {found}. "
        f"Looked for: {', '.join(names[:8])} ….{meant}",
        remedy=f"Name the column {column!r} in the file, or name the file's format with --format.",
        field=column,
    )


def _known(kind: str) -> set[str]:
    return {name for names in _ALIASES[kind].values() for name in names}


def _is_near(name: str, alias: str) -> bool:
    return difflib.SequenceMatcher(None, plain(name), plain(alias)).ratio() >= 0.75
