"""The rules for single rows: what cannot be true is set aside with the reason."""

from __future__ import annotations

import pytest
from tests.ingest.conftest import NOW_MS, Read, Write

COLUMNS = (
    "user_id",
    "item_id",
    "event_type",
    "timestamp",
    "quantity",
    "price",
    "value",
    "rating",
    "position",
)
GOOD = dict(
    zip(COLUMNS, ("u1", "p1", "purchase", "1700000000", "2", "9.50", "19", "", "3"), strict=True)
)


def _line(**changed: str) -> str:
    return ",".join((GOOD | changed)[name] for name in COLUMNS) + "\n"


def _file(*lines: str) -> str:
    return ",".join(COLUMNS) + "\n" + "".join(lines)


def test_a_good_row_comes_through_whole(write: Write, read: Read) -> None:
    (row,) = read(write("e.csv", _file(_line()))).events
    assert row == {
        "user_id": "u1", "item_id": "p1", "event_type": "purchase", "time_ms": 1_700_000_000_000,
        "order": 0, "value": 19.0, "quantity": 2.0, "price": 9.5, "currency": None,
        "session_id": None, "position": 3, "list_id": None, "rating": None, "country": None,
        "query": None, "timed": True,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"user_id": " "}, "missing_shopper"),
        ({"item_id": ""}, "missing_item_id"),
        ({"event_type": "teleport"}, "unknown_event_type"),
        ({"timestamp": ""}, "missing_time"),
        ({"timestamp": "soon"}, "bad_time"),
        ({"timestamp": "2024-13-45"}, "bad_time"),
        ({"timestamp": "0"}, "time_before_1995"),
        ({"timestamp": "1989-01-01"}, "time_before_1995"),
        ({"timestamp": str(NOW_MS + 3 * 86_400_000)}, "time_in_future"),
        ({"timestamp": "2999-01-01"}, "time_in_future"),
        ({"quantity": "0"}, "zero_quantity"),
        ({"quantity": "two"}, "bad_quantity"),
        ({"quantity": "-1", "event_type": "view"}, "negative_quantity"),
        ({"price": "-9.5"}, "negative_price"),
        ({"price": "inf"}, "bad_price"),
        ({"price": "ask us"}, "bad_price"),
        ({"value": "-19"}, "negative_value"),
        ({"rating": "11", "event_type": "rate"}, "rating_out_of_range"),
        ({"rating": "-1", "event_type": "rate"}, "rating_out_of_range"),
        ({"rating": "good", "event_type": "rate"}, "bad_rating"),
        ({"rating": "", "event_type": "rate"}, "missing_rating"),
        ({"position": "-2"}, "negative_position"),
    ],
)
def test_an_impossible_value_sets_the_row_aside(
    changed: dict[str, str], reason: str, write: Write, read: Read
) -> None:
    found = read(write("e.csv", _file(_line(), _line(**changed), _line())))
    assert dict(found.reasons()) == {reason: 1}
    assert found.quarantine[0]["line"] == 3
    assert found.quarantine[0]["kind"] == "events"
    assert str(found.quarantine[0]["source"]).endswith("e.csv")
    assert found.column("order") == [0, 2]


def test_a_clock_may_run_two_days_ahead(write: Write, read: Read) -> None:
    ahead = str(NOW_MS + 47 * 3_600_000)
    assert read(write("e.csv", _file(_line(timestamp=ahead)))).read["events"] == 1


def test_a_purchase_of_a_negative_quantity_is_a_refund(write: Write, read: Read) -> None:
    (row,) = read(write("e.csv", _file(_line(quantity="-2", value="-19")))).events
    assert (row["event_type"], row["quantity"], row["value"]) == ("refund", 2.0, 19.0)


def test_a_search_needs_no_item_but_a_query(write: Write, read: Read) -> None:
    text = (
        "session_id,event_type,timestamp,query,item_id\n"
        "s1,search,1700000000,  blue   shoes ,\ns1,search,1700000000,,\n"
    )
    found = read(write("e.csv", text))
    assert found.column("query") == ["blue shoes"]
    assert dict(found.reasons()) == {"missing_query": 1}


def test_a_session_may_stand_for_the_shopper(write: Write, read: Read) -> None:
    text = "session_id,item_id,event_type,timestamp\ns1,p1,view,1700000000\n"
    (row,) = read(write("e.csv", text)).events
    assert (row["user_id"], row["session_id"]) == (None, "s1")


def test_a_price_may_name_its_currency(write: Write, read: Read) -> None:
    text = _file(_line(price='"$1,299.00"'), _line(price='"12,99 €"'), _line(price="5"))
    found = read(write("e.csv", text))
    assert found.column("price") == [1299.0, 12.99, 5.0]
    assert found.column("currency") == ["USD", "EUR", None]


def test_place_0_in_a_list_is_left_empty(write: Write, read: Read) -> None:
    assert read(write("e.csv", _file(_line(position="0")))).column("position") == [None]


def test_ids_are_not_touched_but_for_white_space(write: Write, read: Read) -> None:
    found = read(
        write(
            "e.csv",
            _file(_line(user_id=" 007 "), _line(user_id="17850.0"), _line(user_id="Ü&amp;")),
        )
    )
    assert found.column("user_id") == ["007", "17850.0", "Ü&amp;"]


def test_text_of_products_is_made_plain(write: Write, read: Read) -> None:
    text = (
        "item_id,title,description,category,price,availability\n"
        "p1,  CafÃ© &amp; Tea\u200b ,<p>Good<br>stuff</p>,Home/Kitchen,-5,http://schema.org/InStock\n"
    )
    found = read(write("p.csv", text))
    (row,) = found.products
    assert row["title"] == "Café & Tea"
    assert row["description"] == "Good stuff"
    assert row["category"] == "Home > Kitchen"
    assert row["availability"] == "in_stock"
    assert row["price"] is None
    assert dict(found.repairs) == {"products.price unusable, left empty": 1}


def test_a_product_of_which_nothing_is_said_is_set_aside(write: Write, read: Read) -> None:
    found = read(write("p.csv", "item_id,title,brand\np1,,\np2,Kettle,\n,Pot,Acme\n"))
    assert dict(found.reasons()) == {"no_product_data": 1, "missing_item_id": 1}


def test_named_columns_become_attributes(write: Write, read: Read) -> None:
    text = (
        'item_id,title,attributes,Colour,size\np1,t,"{""fit"": ""slim""}",Red,XL\np2,t,a1; a2,,\n'
    )
    found = read(write("p.csv", text))
    assert [row["attributes"] for row in found.products] == [
        ["fit=slim", "colour=Red", "size=XL"],
        ["a1", "a2"],
    ]


def test_reviews_need_a_product_and_a_text(write: Write, read: Read) -> None:
    text = (
        "item_id,user_id,rating,timestamp,title,text,helpful\n"
        'p1,u1,5,2024-01-02,Great,"It&#39;s good",3\n'
        "p1,u1,5,2024-01-02,Great,,3\n"
        ",u1,5,2024-01-02,Great,Fine,3\n"
        "p1,,,,,Fine,\n"
        "p1,u1,50,2024-01-02,Great,Fine,3\n"
        "p1,u1,5,2999-01-02,Great,Fine,3\n"
    )
    found = read(write("r.csv", text))
    assert found.reviews[0] == {
        "item_id": "p1", "user_id": "u1", "rating": 5.0, "time_ms": 1_704_153_600_000,
        "title": "Great", "text": "It's good", "helpful": 3,
    }  # fmt: skip
    assert found.reviews[1]["time_ms"] is None
    assert dict(found.reasons()) == {
        "missing_text": 1,
        "missing_item_id": 1,
        "rating_out_of_range": 1,
        "time_in_future": 1,
    }
