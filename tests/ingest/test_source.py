"""Opening files: compression, encodings, and files that cannot be used."""

from __future__ import annotations

import gzip
import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest
from tests.ingest.conftest import NOW_MS, Read, Write

from shelfwise.core.errors import BadInputError, UnknownFormatError
from shelfwise.ingest import open_source

EVENTS = "user_id,item_id,event_type,timestamp\nu1,p1,view,1700000000\nu2,p2,purchase,1700000001\n"


def _zip(**members: str) -> bytes:
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w") as archive:
        for name, text in members.items():
            archive.writestr(name, text)
    return whole.getvalue()


@pytest.mark.parametrize(
    "packed",
    [
        str.encode,
        lambda text: gzip.compress(text.encode()),
        lambda text: pa.compress(text.encode(), "zstd", asbytes=True),
        lambda text: _zip(events=text),
        lambda text: gzip.compress(text[:50].encode()) + gzip.compress(text[50:].encode()),
    ],
    ids=["plain", "gzip", "zstd", "zip", "two gzip members"],
)
def test_a_file_is_read_whatever_compresses_it(
    packed: Callable[[str], bytes], tmp_path: Path, read: Read
) -> None:
    path = tmp_path / "events"  # the name says nothing: the bytes do
    path.write_bytes(packed(EVENTS))
    assert read(path).column("item_id") == ["p1", "p2"]


@pytest.mark.parametrize("codec", ["gzip", "zstd"])
def test_a_cut_off_file_is_refused_even_after_good_rows(codec: str, tmp_path: Path) -> None:
    rows = "".join(f"u{i},p{i * 7919 % 1000},view,{1_700_000_000 + i}\n" for i in range(200_000))
    whole = pa.compress((EVENTS + rows).encode(), codec, asbytes=True)
    path = tmp_path / "events.csv.x"
    path.write_bytes(whole[: len(whole) * 2 // 3])
    with pytest.raises(BadInputError, match="cut off"):
        list(open_source(path, now_ms=NOW_MS).batches())


def test_a_missing_file_is_named_with_the_likely_one(write: Write, tmp_path: Path) -> None:
    write("events.csv", EVENTS)
    with pytest.raises(BadInputError, match=r"does not exist\. Did you mean .*events\.csv"):
        open_source(tmp_path / "event.csv", now_ms=NOW_MS)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"  \n\n", "is empty"),
        (bytes(range(256)) * 40, "is a binary file"),
        (b"%PDF-1.4 ...", "is a PDF"),
        (b"\x89PNG\r\n\x1a\n....", "is an image"),
        (b"BZh91AY&SY", "bzip2"),
        (b"<rss><item/></rss>", "XML"),
        (b'{"a": 1,\n "b": 2}\n', "none of its first lines"),
        (b'[{"item_id": "p"}]', "one JSON array"),
    ],
)
def test_a_file_of_the_wrong_kind_is_refused_in_one_line(
    content: bytes, message: str, write: Write
) -> None:
    with pytest.raises(BadInputError, match=message) as refusal:
        open_source(write("file", content), now_ms=NOW_MS)
    assert "\n" not in str(refusal.value)
    assert refusal.value.remedy


def test_an_empty_gzip_is_refused(write: Write) -> None:
    with pytest.raises(BadInputError, match="is empty"):
        open_source(write("events.csv.gz", ""), now_ms=NOW_MS)


def test_a_damaged_parquet_file_is_refused(write: Write) -> None:
    with pytest.raises(BadInputError, match="damaged Parquet"):
        open_source(write("events.parquet", b"PAR1" + b"\x00" * 50), now_ms=NOW_MS)


def test_a_workbook_is_refused_with_the_way_out(tmp_path: Path) -> None:
    path = tmp_path / "events.xlsx"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("[Content_Types].xml", "<x/>")
        archive.writestr("xl/workbook.xml", "<x/>")
    with pytest.raises(UnknownFormatError, match="Excel workbook"):
        open_source(path, now_ms=NOW_MS)


def test_a_zip_of_several_files_is_refused(write: Write) -> None:
    with pytest.raises(BadInputError, match="holds 2 files"):
        open_source(write("two.zip", _zip(a=EVENTS, b=EVENTS)), now_ms=NOW_MS)


def test_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="is a folder"):
        open_source(tmp_path, now_ms=NOW_MS)


def test_an_unknown_format_is_refused_with_a_suggestion(write: Write) -> None:
    with pytest.raises(UnknownFormatError, match="Did you mean 'movielens'"):
        open_source(write("e.csv", EVENTS), format="movielense", now_ms=NOW_MS)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "latin-1", "cp1252", "utf-16"])
def test_western_text_is_read_in_any_encoding(encoding: str, write: Write, read: Read) -> None:
    text = "item_id,title\np1,Crème brûlée\np2,Größe\np3,plain\n"
    found = read(write("products.csv", text.encode(encoding)))
    assert [row["title"] for row in found.products] == ["Crème brûlée", "Größe", "plain"]
    assert [row["item_id"] for row in found.products] == ["p1", "p2", "p3"]


@pytest.mark.parametrize("encoding", ["utf-8", "gbk", "gb18030"])
def test_chinese_text_is_read_in_any_encoding(encoding: str, write: Write, read: Read) -> None:
    text = "商品编号,商品名称,价格\np1,不锈钢保温杯,39.9\np2,儿童雨伞,25\n"
    found = read(write("products.csv", text.encode(encoding)))
    assert [row["title"] for row in found.products] == ["不锈钢保温杯", "儿童雨伞"]


def test_one_line_in_another_encoding_spoils_no_other(write: Write, read: Read) -> None:
    lines = [b"item_id,title\n", "p1,Café\n".encode(), "p2,Café\n".encode("latin-1")]
    found = read(write("products.csv", b"".join(lines)))
    assert [row["title"] for row in found.products] == ["Café", "Café"]


def test_line_ends_of_all_systems_are_read(write: Write, read: Read) -> None:
    for end in ("\n", "\r\n", "\r"):
        assert read(write("e.csv", EVENTS.replace("\n", end))).column("item_id") == ["p1", "p2"]


def test_progress_goes_up_to_the_size_of_the_file(write: Write) -> None:
    seen: list[tuple[int, int]] = []
    path = write("events.csv.gz", EVENTS * 1000)
    source = open_source(path, now_ms=NOW_MS, progress=lambda done, size: seen.append((done, size)))
    list(source.batches())
    assert seen[-1] == (path.stat().st_size, path.stat().st_size)
    assert seen == sorted(seen)
