"""Columns are recognised by name, by a word in the name, or by content; the mapping says how."""

from __future__ import annotations

import pytest
from tests.ingest.conftest import NOW_MS, Read, Write

from shelfwise.core.errors import BadInputError
from shelfwise.ingest import open_source


@pytest.mark.parametrize(
    "header",
    [
        "user_id,item_id,event_type,timestamp",
        "User ID,Product ID,Event Type,Created At",
        "customerId,sku,action,ts",
        "visitorid,asin,behavior,datetime",
        "用户id,商品id,行为,时间",
    ],
)
def test_names_of_other_systems_are_recognised(header: str, write: Write, read: Read) -> None:
    found = read(write("e.csv", header + "\nu1,p1,view,2024-01-02 03:04:05\n"))
    (row,) = found.events
    assert (row["user_id"], row["item_id"], row["event_type"]) == ("u1", "p1", "view")
    assert row["time_ms"] == 1_704_164_645_000


def test_a_word_in_the_name_gives_a_column_away(write: Write, read: Read) -> None:
    text = "web_customer_ref,shopProductNr,happened_on_date\nu1,p1,2024-01-02\n"
    found = read(write("e.csv", text))
    assert found.column("user_id") == ["u1"]
    assert found.column("item_id") == ["p1"]
    how = {mapped.column: mapped.how for mapped in found.mapping.columns}
    assert how["user_id"] == "the word 'customer' in its name"


def test_content_gives_a_column_away(write: Write, read: Read) -> None:
    rows = "u1,p,pv,1700000001\nu2,p,buy,1700000002\nu3,p,pv,1700000003\nu4,p,cart,1700000004\n"
    found = read(write("e.csv", "user,item,did,x1\n" + rows))
    assert found.column("event_type") == ["view", "purchase", "view", "add_to_cart"]
    how = {mapped.source: mapped.how for mapped in found.mapping.columns}
    assert how["did"] == "its values are event types"
    assert how["x1"] == "its values are times"


def test_columns_not_used_are_listed(write: Write, read: Read) -> None:
    found = read(write("p.csv", "item_id,title,warehouse\np1,t,4\n"))
    assert found.mapping.unmapped == ("warehouse",)


def test_a_name_of_a_product_is_not_its_id(write: Write, read: Read) -> None:
    found = read(write("p.csv", "sku,product_name,brand\np1,Kettle,Acme\n"))
    assert found.products[0]["item_id"] == "p1"
    assert found.products[0]["title"] == "Kettle"


def test_rows_without_type_are_purchases_and_the_mapping_says_so(write: Write, read: Read) -> None:
    found = read(write("e.csv", "user_id,item_id,timestamp\nu,p,1700000000\n"))
    assert found.column("event_type") == ["purchase"]
    assert "every row is taken as a purchase" in found.mapping.notes[0]


def test_rows_without_type_but_with_a_rating_are_ratings(write: Write, read: Read) -> None:
    text = "user_id,item_id,rating,timestamp\nu,p,4,1700000000\nu,q,,1700000000\n"
    assert read(write("e.csv", text)).column("event_type") == ["rate", "purchase"]


@pytest.mark.parametrize(
    ("header", "kind"),
    [
        ("user_id,item_id,event_type,timestamp", "events"),
        ("session_id,item_id,event_type,timestamp", "events"),
        ("item_id,title,price", "products"),
        ("id,name,category", "products"),
        ("item_id,user_id,rating,text", "reviews"),
        ("product_id,review_text,stars,date", "reviews"),
    ],
)
def test_the_kind_of_row_is_told_from_the_columns(header: str, kind: str, write: Write) -> None:
    row = ",".join("1700000000" for _ in header.split(","))
    source = open_source(write("f.csv", f"{header}\n{row}\n"), now_ms=NOW_MS)
    assert source.mapping.kinds == (kind,)


@pytest.mark.parametrize(
    ("header", "kind", "missing"),
    [
        ("user_id,itm_id,event_type,timestamp", "auto", "item_id"),
        ("user_id,item_id,event_type", "auto", "timestamp"),
        ("item_id,event_type,timestamp", "events", "user_id"),
        ("title,price", "products", "item_id"),
        ("item_id,rating", "reviews", "text"),
    ],
)
def test_a_missing_column_is_named_with_what_was_found(
    header: str, kind: str, missing: str, write: Write
) -> None:
    path = write("f.csv", f"{header}\n{','.join('abcd'[: header.count(',') + 1])}\n")
    with pytest.raises(BadInputError) as refusal:
        open_source(path, kind=kind, now_ms=NOW_MS)  # type: ignore[arg-type]
    message = str(refusal.value)
    assert f"has no column for {missing}" in message
    assert f"Found: {header.replace(',', ', ')}" in message
    assert refusal.value.field == missing


def test_a_misspelt_column_is_suggested(write: Write) -> None:
    path = write("f.csv", "user_id,itm_id,event_type,timestamp\nu,p,view,1700000000\n")
    with pytest.raises(BadInputError, match="Did you mean 'itm_id'"):
        open_source(path, now_ms=NOW_MS)


def test_columns_that_say_nothing_are_in_no_known_format(write: Write) -> None:
    path = write("f.csv", "alpha,beta\n1,2\n")
    with pytest.raises(BadInputError, match="in no format we know; its columns are: alpha, beta"):
        open_source(path, now_ms=NOW_MS)


def test_a_format_named_outright_must_fit(write: Write) -> None:
    path = write("f.csv", "user_id,item_id,event_type,timestamp\nu,p,view,1700000000\n")
    for name in (
        "online-retail",
        "ga4",
        "amazon",
        "retailrocket",
        "movielens",
        "merchant",
        "taobao",
    ):
        with pytest.raises(BadInputError, match="has no column for"):
            open_source(path, format=name, now_ms=NOW_MS)


def test_ratings_are_welcome_without_times(write: Write, read: Read) -> None:
    found = read(write("r.tsv", "userId\titemId\trating\nu\tp\t4\nu\tq\t5\n"))
    assert [(row["item_id"], row["time_ms"], row["timed"]) for row in found.events] == [
        ("p", 0, False),
        ("q", 1000, False),
    ]
    assert "There are no times" in found.mapping.notes[1]


def test_products_without_an_id_are_named_by_their_links(write: Write, read: Read) -> None:
    text = (
        "name,price,product_link\n"
        "Cable,3,https://www.amazon.in/Some-Cable/dp/B07JW9H4J1/ref=sr_1_1?qid=1\n"
        "Plug,4,https://www.amazon.in/dp/B098NS6PVG\n"
    )
    found = read(write("p.csv", text))
    assert [row["item_id"] for row in found.products] == ["B07JW9H4J1", "B098NS6PVG"]
    how = {mapped.column: mapped.how for mapped in found.mapping.columns}
    assert how["item_id"] == "the product number in its links"


def test_a_guessed_order_of_day_and_month_is_told(write: Write) -> None:
    header = "user_id,item_id,event_type,timestamp\n"
    guessed = write("a.csv", header + "u,p,view,3/4/2011 8:00\n")
    known = write("b.csv", header + "u,p,view,3/4/2011 8:00\nu,p,view,13/4/2011 8:00\n")
    assert "read as month/day" in open_source(guessed, now_ms=NOW_MS).mapping.notes[0]
    assert open_source(known, now_ms=NOW_MS).mapping.notes == ()


def test_a_header_that_does_not_fit_the_rows_is_refused(write: Write) -> None:
    path = write("e.csv", "user_id,item_id,timestamp\n1,u,p,1700000000\n2,u,q,1700000000\n")
    with pytest.raises(BadInputError, match=r"names 3 columns .* its rows have 4 values"):
        open_source(path, now_ms=NOW_MS)


def test_a_file_without_header_is_told_so(write: Write) -> None:
    path = write("e.csv", "u1,p1,view,2024-01-01T00:00:00Z\nu2,p2,view,2024-01-01T00:00:00Z\n")
    with pytest.raises(BadInputError, match="The file has no header line"):
        open_source(path, now_ms=NOW_MS)
