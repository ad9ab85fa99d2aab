"""Invoice lines become purchases, refunds and products; everything else is set aside."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from tests.ingest.conftest import Read, Write

LINES = """InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country
536365,85123A,WHITE HANGING HEART ,6,2010-12-01 08:26:00,2.55,17850.0,United Kingdom
536366,85123A,WHITE HANGING HEART,2,2010-12-01 08:28:00,2.95,,United Kingdom
536366,85123A,CREAM HANGING HEART,2,2010-12-01 08:28:00,2.55,,United Kingdom
C536379,85123A,WHITE HANGING HEART,-6,2010-12-01 09:41:00,2.55,17850.0,United Kingdom
536370,POST,POSTAGE,3,2010-12-01 08:45:00,18.0,12583.0,France
536371,gift_0001_20,Dotcomgiftshop Gift Voucher,1,2010-12-01 08:45:00,16.67,,France
536414,85123A,,56,2010-12-01 11:52:00,0.0,,United Kingdom
536415,22139,damaged,-5,2010-12-01 11:52:00,0.0,,United Kingdom
A563185,B,Adjust bad debt,1,2011-08-12 14:50:00,11062.06,,United Kingdom
536416,22841,CAKE TIN,1,2010-12-01 11:53:00,0.0,12647.0,Germany
"""


def test_lines_become_purchases_and_refunds(write: Write, read: Read) -> None:
    found = read(write("retail.csv", LINES))
    assert found.format == "online-retail"
    rows = [
        (e["user_id"], e["item_id"], e["event_type"], e["quantity"], e["session_id"])
        for e in found.events
    ]
    assert rows == [
        ("17850", "85123A", "purchase", 6.0, "536365"),
        (None, "85123A", "purchase", 2.0, "536366"),
        (None, "85123A", "purchase", 2.0, "536366"),
        ("17850", "85123A", "refund", 6.0, "C536379"),
        ("12647", "22841", "purchase", 1.0, "536416"),
    ]
    assert found.events[0]["country"] == "United Kingdom"


def test_fees_vouchers_and_stock_corrections_are_set_aside(write: Write, read: Read) -> None:
    found = read(write("retail.csv", LINES))
    assert [(row["line"], row["reason"]) for row in found.quarantine] == [
        (6, "not_a_product"),
        (7, "not_a_product"),
        (8, "stock_correction"),
        (9, "stock_correction"),
        (10, "not_a_product"),
    ]


def test_products_have_the_most_frequent_name_and_the_middle_price(
    write: Write, read: Read
) -> None:
    found = read(write("retail.csv", LINES))
    assert [(p["item_id"], p["title"], p["price"]) for p in found.products] == [
        ("22841", "CAKE TIN", None),
        ("85123A", "WHITE HANGING HEART", 2.55),
    ]


def test_the_second_edition_names_its_columns_otherwise(write: Write, read: Read) -> None:
    text = (
        "Invoice,StockCode,Description,Quantity,InvoiceDate,Price,Customer ID,Country\n"
        "489434,85048,LIGHTS,12,2009-12-01 07:45:00,6.95,13085.0,United Kingdom\n"
    )
    (row,) = read(write("retail2.csv", text)).events
    assert (row["user_id"], row["price"], row["session_id"]) == ("13085", 6.95, "489434")


@pytest.mark.slow
@pytest.mark.data
def test_every_line_of_the_real_data_is_accounted_for(read: Read) -> None:
    folder = os.environ.get("SHELFWISE_DATA")
    if folder is None:
        pytest.skip("set SHELFWISE_DATA to the folder of public data")
    found = read(Path(folder) / "uci_online_retail" / "online_retail.csv.zst")
    assert found.read["events"] == 541_909
    assert set(found.reasons()) == {"not_a_product", "stock_correction"}
    assert sum(found.reasons().values()) == 5_414
