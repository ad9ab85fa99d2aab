"""Records are found where they are, whatever quotes and line breaks are in them."""

from __future__ import annotations

import csv
import io

from hypothesis import given, settings
from hypothesis import strategies as st

from shelfwise.ingest.records import BROKEN_QUOTE, find_records

CELLS = st.text(alphabet='ab ,"\n;é', max_size=6)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(CELLS, CELLS, st.sampled_from(["x", "yy"])), min_size=1, max_size=8))
def test_what_a_csv_writer_wrote_is_found_record_by_record(rows: list[tuple[str, ...]]) -> None:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    block = text.getvalue().encode()
    found = find_records(block, b",", quoted=True, width=3, final=True)
    assert found.fields.tolist() == [3] * len(rows)
    pieces = [block[s:e].decode() for s, e in zip(found.start, found.end, strict=True)]
    assert [tuple(next(csv.reader(io.StringIO(piece, newline="")))) for piece in pieces] == rows


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=60), st.integers(0, 60))
def test_a_cut_anywhere_changes_nothing(data: bytes, cut: int) -> None:
    whole = find_records(data, b",", quoted=True, width=2, final=True)
    first = find_records(data[:cut], b",", quoted=True, width=2, final=False)
    rest = find_records(data[first.consumed :], b",", quoted=True, width=2, final=True)
    assert first.fields.tolist() + rest.fields.tolist() == whole.fields.tolist()
    assert first.lines + rest.lines == whole.lines


def test_a_stray_quote_spoils_only_its_own_line() -> None:
    block = b'a,"oops,1\nb,two,2\nc,"three",3\nd,four,4\n'
    found = find_records(block, b",", quoted=True, width=3, final=True)
    assert found.fields.tolist() == [BROKEN_QUOTE, 3, 3, 3]
    assert found.line.tolist() == [0, 1, 2, 3]


def test_a_quote_inside_a_value_is_just_a_character() -> None:
    found = find_records(b'a,12" ruler,1\n', b",", quoted=True, width=3, final=True)
    assert found.fields.tolist() == [3]
