"""Whatever stands in a file, it is read or refused in one line, and no row vanishes."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.ingest.conftest import read_everything

from shelfwise.core.errors import BadInputError

FILES = {
    "events": (
        "user_id,item_id,event_type,timestamp,price,quantity,rating,position,session_id\n"
        'u1,p1,view,1700000000,"1,5",2,,1,s\nu2,p2,rate,2024-01-02 03:04,,,4,,\n'
        "u3,p3,purchase,02/03/2024,$5,-1,,,s2\n"
    ),
    "products": (
        "item_id,title,description,category,price,availability,attributes,color,also_bought\n"
        'p1,Caf&eacute;,"<b>a</b>",A > B,5 EUR,in stock,"{""a"": 1}",red,p2;p3\np2,b,,,,,,,\n'
    ),
    "reviews": "item_id,user_id,rating,timestamp,title,text,helpful\np1,u1,5,1700000000,t,x,3\n",
    "retail": (
        "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n"
        "1,85123A,LAMP,6,2010-12-01 08:26:00,2.55,17850.0,UK\nC2,POST,,-1,2010-12-01,1,,UK\n"
    ),
    "taobao": "1,2,3,pv,1511544070\n1,2,3,buy,1511561733\n",
    "movies": "1::Toy Story (1995)::Animation|Comedy\n2::Jumanji (1995)::Adventure\n",
    "recbole": "user_id:token\titem_id_list:token_seq\titem_id:token\n0\ta b\tc\n1\tx\ty\n",
    "feed": (
        "id\ttitle\tlink\tprice\tavailability\tproduct_type\tcondition\n"
        "1\tMug\thttp://s\t5 USD\tin stock\tA > B\tnew\n"
    ),
    "sequences": "1 2 3 4\n2 5 6\n",
    "amazon": json.dumps(
        {"asin": "B1", "reviewerID": "A", "overall": 5, "unixReviewTime": 1, "reviewText": "x"}
    ) + "\n" + json.dumps({"asin": "B2", "reviewerID": "B", "overall": None}) + "\n",
    "meta": json.dumps(
        {"asin": "B1", "title": "t", "also_buy": ["B2"], "description": ["a"], "price": "$5"}
    ) + "\n" + json.dumps({"asin": "B2", "related": {"also_bought": [1]}, "title": {}}) + "\n",
    "ga4": json.dumps(
        {
            "event_name": "view_item",
            "event_timestamp": "1700000000000000",
            "user_pseudo_id": "d",
            "items": [{"item_id": "p", "price": 1}],
            "event_params": [{"key": "ga_session_id", "value": {"int_value": "3"}}],
        }
    ) + "\n",
}  # fmt: skip
SPICE = st.sampled_from(
    [
        *(bytes([byte]) for byte in b"\",\n\r\t\x00{}[- :\\'<\xe9\xc3"),
        b"",
        b"\xff\xfe",
        b"null",
        b"9" * 25,
        b"1e400",
        b"NaN",
        b"::",
        "\u2028".encode(),
    ]
)


@pytest.mark.parametrize("name", FILES)
@settings(max_examples=40, deadline=None)
@given(edits=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 6), SPICE), max_size=5))
def test_a_spoilt_file_is_read_or_refused(name: str, edits: list[tuple[float, int, bytes]]) -> None:
    data = FILES[name].encode()
    for at, length, spice in edits:
        start = int(at * len(data))
        data = data[:start] + spice + data[start + length :]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "file"
        path.write_bytes(data)
        refusal = _refusal(path)
    assert refusal is None or (refusal.remedy and "\n" not in str(refusal))


def _refusal(path: Path) -> BadInputError | None:
    """Why the file was not read; None when it was, all rows accounted for."""
    try:
        read_everything(path)
    except BadInputError as error:
        return error
    return None
