"""Invoice lines as in the UCI "Online Retail" data: one line a product of an invoice.

An invoice number that begins with C is a cancellation: its lines are refunds. Postage, bank
charges, discounts, samples, vouchers and stock corrections are set aside: nobody can be
recommended them. Lines without a customer keep the invoice as an anonymous session.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from shelfwise.ingest.arrays import as_strings, mask_of
from shelfwise.ingest.batch import Chunk, Kind
from shelfwise.ingest.catalogue import Catalogue
from shelfwise.ingest.connector import Connector, mapped_columns
from shelfwise.ingest.draft import Draft
from shelfwise.ingest.mapping import ColumnMapping, fixed, mapping_of, missing
from shelfwise.ingest.money import read_numbers
from shelfwise.ingest.sniffing import Sample
from shelfwise.ingest.text import clean_ids, clean_text

_NEEDED: Final = ("InvoiceNo", "StockCode", "Quantity", "InvoiceDate")
_RENAMED: Final = {"Invoice": "InvoiceNo", "Price": "UnitPrice", "Customer ID": "CustomerID"}
"""Names in the second edition of the data (Online Retail II)."""

_NOT_A_PRODUCT: Final = (
    r"^(POST|DOT|D|M|S|B|C2|C3|CRUK|PADS|AMAZONFEE|BANK CHARGES|ADJUST\d*|TEST\d*|gift_\d{4}_.*)$"
)
"""Stock codes of postage, carriage, manual entries, discounts, samples, commissions, fees, padding,
bad debt, tests and vouchers."""


_NOTES: Final = (
    "Cancelled invoices and negative quantities are refunds.",
    "Fees, samples, vouchers and stock corrections are set aside.",
    "Products are what the lines name: the most frequent description, the middle price.",
)
_OURS: Final = {
    "CustomerID": "user_id",
    "StockCode": "item_id",
    "InvoiceDate": "timestamp",
    "Quantity": "quantity",
    "UnitPrice": "price",
    "InvoiceNo": "session_id",
    "Country": "country",
    "Description": "title",
}


def _map(sample: Sample, kind: Kind) -> ColumnMapping:
    del kind  # lines always give events, and the products they name
    names = {_RENAMED.get(name, name).lower(): name for name in sample.columns}
    for needed in _NEEDED:
        if needed.lower() not in names:
            raise missing(sample, "events", _OURS[needed])
    columns = fixed(
        sample,
        "events",
        "online-retail",
        **{
            ours: names[theirs.lower()] for theirs, ours in _OURS.items() if theirs.lower() in names
        },
    )
    return mapping_of(sample, columns, _NOTES)


@dataclass(frozen=True)
class _Reader:
    mapping: ColumnMapping
    seen: Catalogue = field(default_factory=Catalogue)

    def drafts(self, chunk: Chunk) -> list[Draft]:
        """The lines of one chunk as purchases and refunds."""
        n = len(chunk)
        columns = mapped_columns(chunk, self.mapping, "events")
        title = clean_text(columns.pop("title", pa.nulls(n, pa.string())))
        item = clean_ids(columns["item_id"])
        user = clean_ids(columns.get("user_id", pa.nulls(n, pa.string())))
        cancelled = pc.starts_with(as_strings(columns["session_id"]), "C")
        columns |= {
            "item_id": item,
            # CustomerID passed through a program that made it a real number
            "user_id": pc.replace_substring_regex(user, r"^(\d+)\.0$", r"\1"),
            "event_type": pc.if_else(mask_of(cancelled), "refund", "purchase"),
        }
        price = read_numbers(columns.get("price", pa.nulls(n, pa.float64()))).values
        no_product = mask_of(pc.match_substring_regex(item, _NOT_A_PRODUCT, ignore_case=True))
        correction = (price == 0) & mask_of(user.is_null())
        good = pa.array(~no_product & ~correction)
        told = pa.table({"item_id": item, "title": title, "price": pa.array(price)})
        self.seen.add(told.filter(good))
        rejected = ((no_product, "not_a_product"), (correction, "stock_correction"))
        return [Draft("events", columns, n, rejected=rejected)]

    def catalogue(self) -> pa.Table | None:
        """The products named by the lines."""
        return self.seen.products()


CONNECTOR = Connector(
    name="online-retail",
    about='invoice lines as in the UCI "Online Retail" data',
    recognises=lambda sample: sample.has("StockCode", "Quantity", "InvoiceDate"),
    map=_map,
    reader=lambda _, mapping: _Reader(mapping),
)
