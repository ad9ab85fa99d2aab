"""Text tables: every record is read or set aside, with the line it stands on."""

from __future__ import annotations

import json

import pytest
from tests.ingest.conftest import Read, Write

HEADER = "user_id,item_id,event_type,timestamp\n"


def test_malformed_lines_are_set_aside_with_their_line(write: Write, read: Read) -> None:
    found = read(
        write(
            "e.csv",
            HEADER
            + "u1,p1,view,1700000000\n"
            + "u2,p2,view\n"
            + "\n"
            + "u3,p3,view,1700000000,extra\n"
            + 'u4,"p4,view,1700000000\n'
            + "u5,p5,view,1700000000\n",
        )
    )
    assert found.column("user_id") == ["u1", "u5"]
    assert [(row["line"], row["reason"]) for row in found.quarantine] == [
        (3, "wrong_number_of_fields"),
        (5, "wrong_number_of_fields"),
        (6, "broken_quotes"),
    ]
    assert json.loads(str(found.quarantine[0]["row"])) == {"text": "u2,p2,view"}
    assert found.read["events"] == 5


def test_a_line_number_counts_breaks_inside_values(write: Write, read: Read) -> None:
    found = read(
        write(
            "p.csv",
            'item_id,title,description\np1,One,"two\nlines"\n\n,No id,"x\ny"\np2,Two,"z"\n',
        )
    )
    assert [row["description"] for row in found.products] == ["two lines", "z"]
    assert [(row["line"], row["reason"]) for row in found.quarantine] == [(5, "missing_item_id")]
    assert json.loads(str(found.quarantine[0]["row"])) == {
        "item_id": None,
        "title": "No id",
        "description": "x\ny",
    }


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_told_from_the_content(delimiter: str, write: Write, read: Read) -> None:
    text = HEADER + "u1,p1,view,1700000000\nu2,p2,purchase,1700000001\n"
    assert read(write("e.txt", text.replace(",", delimiter))).column("user_id") == ["u1", "u2"]


def test_tabs_with_inch_marks_are_not_taken_for_quotes(write: Write, read: Read) -> None:
    text = 'item_id\ttitle\np1\t12" ruler\np2\t"odd\np3\tplain\n'
    titles = [row["title"] for row in read(write("p.tsv", text)).products]
    assert titles == ['12" ruler', '"odd', "plain"]


def test_a_file_with_only_a_header_has_no_rows(write: Write, read: Read) -> None:
    found = read(write("e.csv", HEADER))
    assert (found.read["events"], found.events) == (0, [])


def test_rows_keep_their_order_and_number_over_many_blocks(write: Write, read: Read) -> None:
    n = 50_000  # some 10 MB: two blocks
    long = "product" * 28
    rows = "".join(f"shopper{i},{long},view,{1_700_000_000 + i}\n" for i in range(n))
    found = read(write("e.csv", HEADER + rows + ",p,view,1700000000\n"))
    assert found.column("order") == list(range(n))
    assert found.events[-1]["user_id"] == f"shopper{n - 1}"
    assert found.quarantine[0]["line"] == n + 2


def test_words_for_nothing_are_null(write: Write, read: Read) -> None:
    found = read(write("e.csv", HEADER + "NULL,p1,view,1700000000\nu1,nan,view,1700000000\n"))
    assert dict(found.reasons()) == {"missing_shopper": 1, "missing_item_id": 1}
