"""A file opened for ingest: its format told, its columns mapped, its rows cleaned in batches."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import pyarrow as pa

from shelfwise.core.columns import QUARANTINE_SCHEMA
from shelfwise.core.errors import UnknownFormatError
from shelfwise.ingest.batch import Batch, Chunk, Kind, Progress, quarantine_malformed
from shelfwise.ingest.cleaning import clean_events, clean_products, clean_reviews
from shelfwise.ingest.connector import Connector
from shelfwise.ingest.draft import Cleaned, Draft, Rules
from shelfwise.ingest.mapping import ColumnMapping
from shelfwise.ingest.sniffing import Sample, sniff
from shelfwise.ingest.times import is_day_first

_EITHER_WAY: Final = re.compile(r"\d{1,2}[/-]\d{1,2}[/-]\d{2,4}")
_GUESSED_ORDER: Final = "Dates like 03/04/2011 are read as month/day: none in the sample tells."


@dataclass(frozen=True)
class Source:
    """An opened file; `batches` reads it from the beginning each time it is called."""

    path: Path
    format: str
    mapping: ColumnMapping
    _connector: Connector
    _sample: Sample
    _rules: Rules
    _progress: Progress | None

    def batches(self) -> Iterator[Batch]:
        """The file's rows, cleaned, in order.

        Raises `BadInputError` where the file turns out to be broken; what came before must then
        be thrown away.
        """
        reader = self._connector.reader(self._sample, self.mapping)
        order = 0
        for chunk in self._connector.chunks(self._sample, self.mapping, self._progress):
            drafts = reader.drafts(chunk)
            yield self._batch(chunk, drafts, order)
            order += sum(draft.rows for draft in drafts if draft.kind == "events")
        products = reader.catalogue()
        if products is not None and products.num_rows:
            quarantine = QUARANTINE_SCHEMA.empty_table()
            yield Batch(None, products, None, quarantine, {"products": products.num_rows})

    def _batch(self, chunk: Chunk, drafts: list[Draft], order: int) -> Batch:
        kinds = self.mapping.kinds
        tables: dict[str, pa.Table] = {}
        quarantine = [quarantine_malformed(self._sample.source, kinds[0], chunk.malformed)]
        read = dict.fromkeys(kinds, 0)
        read[kinds[0]] = len(chunk.malformed)
        repairs: dict[str, int] = {}
        for draft in drafts:
            cleaned = _clean(draft, self._rules, order)
            tables[draft.kind] = cleaned.good()
            quarantine.append(cleaned.quarantine(self._sample.source, draft, chunk))
            read[draft.kind] += draft.rows
            repairs |= cleaned.repairs
        return Batch(
            tables.get("events"),
            tables.get("products"),
            tables.get("reviews"),
            pa.concat_tables(quarantine),
            read,
            repairs,
        )


def _clean(draft: Draft, rules: Rules, order: int) -> Cleaned:
    if draft.kind == "events":
        return clean_events(draft, rules, order)
    return (clean_products if draft.kind == "products" else clean_reviews)(draft, rules)


def open_with(
    connectors: tuple[Connector, ...],
    path: Path,
    kind: Kind,
    format_name: str,
    now_ms: int,
    progress: Progress | None,
) -> Source:
    """The file at `path` read by the connector named, or by the first that recognises it."""
    connector = None if format_name == "auto" else _named(connectors, format_name)
    sample = sniff(path)
    if connector is None:
        connector = next(one for one in connectors if one.recognises(sample))
    mapping = connector.map(sample, kind)
    day_first, note = _date_order(sample, mapping)
    return Source(
        path=path,
        format=connector.name,
        mapping=replace(mapping, notes=mapping.notes + note),
        _connector=connector,
        _sample=sample,
        _rules=Rules(now_ms, day_first=day_first),
        _progress=progress,
    )


def _date_order(sample: Sample, mapping: ColumnMapping) -> tuple[bool, tuple[str, ...]]:
    """Whether dates begin with the day, and a note where that had to be guessed."""
    sources = {mapped.source for mapped in mapping.columns if mapped.column == "timestamp"}
    values = [value for source in sources for value in sample.values(source)]
    told = is_day_first(values)
    if told is None and any(_EITHER_WAY.match(str(value)) for value in values):
        return False, (_GUESSED_ORDER,)
    return bool(told), ()


def _named(connectors: tuple[Connector, ...], name: str) -> Connector:
    for connector in connectors:
        if connector.name == name:
            return connector
    names = [connector.name for connector in connectors]
    near = difflib.get_close_matches(name, names, n=1)
    meant = f"Did you mean {near[0]!r}? " if near else ""
    raise UnknownFormatError(
        f"There is no format {name!r}.",
        remedy=f"{meant}Give auto or one of: {', '.join(names)}.",
        field="format",
    )
