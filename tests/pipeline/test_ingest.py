"""From raw files to tables, every row accounted for."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from shelfwise.core.errors import BadInputError, StorageError
from shelfwise.pipeline.dataset import load_dataset
from shelfwise.pipeline.ingest import ingest
from shelfwise.pipeline.ingest_report import IngestReport
from shelfwise.pipeline.progress import silent
from shelfwise.store.tables import ShopTables

NOW_MS = 1_750_000_000_000

EVENTS = """user_id,item_id,event_type,timestamp,price
u1,a,view,2024-05-01T10:00:00Z,
u1,a,purchase,2024-05-01T10:01:00Z,5
u1,a,purchase,2024-05-01T10:01:01Z,5
u2,b,view,2024-05-01T11:00:00Z,
u2,b,view,2024-05-01T11:00:00Z,
u2,,view,2024-05-01T11:00:00Z,
u3,b,view,yesterday,
"""

PRODUCTS = """item_id,title,brand,price
a,Kettle,Acme,5
b,Pot,Acme,9
b,Pot,Acme,8
"""

WITH_A_SMALL_DISK = """
import resource, sys
from pathlib import Path
from shelfwise.core.errors import StorageError
from shelfwise.pipeline.ingest import ingest
from shelfwise.pipeline.progress import silent
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
try:
    ingest(Path(sys.argv[1]), events=[Path(sys.argv[2])], products=[], reviews=[], format="auto",
           now_ms=1_750_000_000_000, progress=silent)
except StorageError as error:
    print(error)
"""


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def take(root: Path, **given: list[Path] | str) -> IngestReport:
    kinds: dict[str, Any] = {"events": [], "products": [], "reviews": [], "format": "auto"}
    return ingest(root, **(kinds | given), now_ms=NOW_MS, progress=silent)


def whole(report: IngestReport) -> bool:
    return all(counts.whole for counts in report.counts().values())


@pytest.fixture
def events(tmp_path: Path) -> Path:
    return write(tmp_path / "events.csv", EVENTS)


@pytest.fixture
def products(tmp_path: Path) -> Path:
    return write(tmp_path / "products.csv", PRODUCTS)


def test_every_row_is_accounted_for(tmp_path: Path, events: Path, products: Path) -> None:
    report = take(tmp_path / "shop", events=[events], products=[products])
    told = report.as_dict()
    assert told["events"]["read"] == 7
    assert told["events"]["accepted"] == 3
    assert told["events"]["duplicates"] == 2
    assert sum(told["events"]["quarantined"].values()) == 2
    assert told["double_submissions"] == 1
    assert told["products"] == {"read": 3, "accepted": 2, "duplicates": 1, "quarantined": {}}
    assert told["reviews"] == {"read": 0, "accepted": 0, "duplicates": 0, "quarantined": {}}
    (conflict,) = told["conflicts"]["listed"]
    assert (conflict["item_id"], conflict["field"], conflict["kept"]) == ("b", "price", "8.0")


def test_the_report_is_written_into_the_shop(tmp_path: Path, events: Path) -> None:
    report = take(tmp_path / "shop", events=[events])
    written = json.loads((tmp_path / "shop" / "reports" / "ingest.json").read_text())
    assert written == json.loads(json.dumps(report.as_dict()))
    assert written["files"][0]["format"] == "canonical"
    assert {m["source"]: m["column"] for m in written["files"][0]["mapping"]["columns"]} == {
        name: name for name in ("user_id", "item_id", "event_type", "timestamp", "price")
    }


def test_every_quarantined_row_is_kept_with_file_line_and_reason(
    tmp_path: Path, events: Path
) -> None:
    take(tmp_path / "shop", events=[events])
    kept = ShopTables(tmp_path / "shop" / "data").quarantine().to_pylist()
    assert [(row["source"], row["line"]) for row in kept] == [(str(events), 7), (str(events), 8)]
    assert all(row["reason"] for row in kept)
    assert "yesterday" in kept[1]["row"]


def test_a_second_ingest_of_the_same_file_changes_nothing(
    tmp_path: Path, events: Path, products: Path
) -> None:
    shop = tmp_path / "shop"
    take(shop, events=[events], products=[products])
    tables = ShopTables(shop / "data")
    before = tables.fingerprint()
    copy = write(tmp_path / "copy.csv", EVENTS)
    again = take(shop, events=[events, copy], products=[products])
    assert tables.fingerprint() == before
    assert tables.count("quarantine") == 2
    assert (again.events.accepted, again.events.duplicates) == (0, 10)
    assert (again.products.accepted, again.products.duplicates) == (0, 3)
    assert whole(again)
    assert all(file.known for file in again.files)


def test_new_files_add_to_what_is_there(tmp_path: Path, events: Path) -> None:
    shop = tmp_path / "shop"
    take(shop, events=[events])
    more = write(
        tmp_path / "more.csv", EVENTS.splitlines()[0] + "\nu9,z,view,2024-05-02T10:00:00Z,\n"
    )
    report = take(shop, events=[more])
    assert report.events.accepted == 1
    assert report.stored["events"] == 4
    orders = ShopTables(shop / "data").events().column("order").to_pylist()
    assert len(set(orders)) == 4
    assert orders[-1] == max(orders)


def test_a_newer_file_wins_and_an_old_one_given_again_does_not_win_it_back(
    tmp_path: Path, products: Path
) -> None:
    shop = tmp_path / "shop"
    newer = write(tmp_path / "newer.csv", "item_id,title\na,Better kettle\n")
    take(shop, products=[products])
    assert take(shop, products=[newer]).products.accepted == 1
    take(shop, products=[products])
    rows = {row["item_id"]: row for row in ShopTables(shop / "data").products().to_pylist()}
    assert (rows["a"]["title"], rows["a"]["brand"]) == ("Better kettle", "Acme")


@pytest.mark.parametrize("bad", ["missing", "truncated", "empty", "no item column"])
def test_one_file_that_cannot_be_used_leaves_the_shop_as_it_was(
    tmp_path: Path, events: Path, bad: str
) -> None:
    shop = tmp_path / "shop"
    take(shop, events=[events])
    before = ShopTables(shop / "data").fingerprint()
    good = write(tmp_path / "good.csv", EVENTS.replace("u1", "w1"))
    path = tmp_path / f"{bad}.csv.gz"
    if bad == "truncated":
        many = EVENTS + "".join(f"v{i},a{i},view,2024-05-01,\n" for i in range(50_000))
        path.write_bytes(gzip.compress(many.encode())[:-5000])
    elif bad == "empty":
        path.touch()
    elif bad == "no item column":
        write(path, "user_id,timestamp\nu,2024-05-01\n")
    with pytest.raises(BadInputError):
        take(shop, events=[good, path])
    assert ShopTables(shop / "data").fingerprint() == before
    assert not (shop / "data" / ".staging").exists()


def test_a_full_disk_leaves_the_shop_as_it_was_and_says_so(tmp_path: Path, events: Path) -> None:
    shop = tmp_path / "shop"
    take(shop, events=[events])
    before = ShopTables(shop / "data").fingerprint()
    many = "".join(f"v{i * i},a{i},view,2024-05-01T10:00:00Z,{i}\n" for i in range(40_000))
    big = write(tmp_path / "big.csv", EVENTS.splitlines()[0] + "\n" + many)
    done = subprocess.run(
        [sys.executable, "-c", WITH_A_SMALL_DISK, str(shop), str(big)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Free some space and run it again" in done.stdout, done.stderr
    assert ShopTables(shop / "data").fingerprint() == before


def test_two_ingests_at_once_are_refused(tmp_path: Path, events: Path) -> None:
    shop = tmp_path / "shop"
    with (
        ShopTables(shop / "data").stage(),
        pytest.raises(StorageError, match="Another process is ingesting"),
    ):
        take(shop, events=[events])


def test_progress_names_the_file_and_then_each_step(tmp_path: Path, events: Path) -> None:
    heard: list[tuple[str, int, int]] = []
    ingest(
        tmp_path / "shop",
        events=[events],
        products=[],
        reviews=[],
        format="auto",
        now_ms=NOW_MS,
        progress=lambda label, done, total: heard.append((label, done, total)),
    )
    labels = list(dict.fromkeys(label for label, _, _ in heard))
    assert labels[0] == "reading events.csv"
    assert labels[1:] == [
        "dropping duplicates",
        "merging products",
        "looking for robots",
        "storing",
    ]
    assert all(0 <= done <= total for _, done, total in heard)


def test_reviews_of_an_amazon_file_are_events_and_reviews(tmp_path: Path) -> None:
    lines = [
        {
            "overall": 5.0,
            "reviewerID": "U1",
            "asin": "B001",
            "reviewText": "Lovely strap",
            "summary": "Yes",
            "unixReviewTime": 1_500_000_000,
        },
        {"overall": 2.0, "reviewerID": "U2", "asin": "B001", "unixReviewTime": 1_500_000_500},
    ]
    path = write(tmp_path / "r.json", "\n".join(json.dumps(line) for line in lines))
    report = take(tmp_path / "shop", reviews=[path])
    assert (report.events.read, report.events.accepted) == (2, 2)
    assert (report.reviews.read, report.reviews.accepted) == (2, 1)
    assert report.reviews.quarantined.total() == 1
    dataset = load_dataset(ShopTables(tmp_path / "shop" / "data"))
    assert dataset.reviews.num_rows == 1
    assert len(dataset.events) == 2


def test_tables_for_people_show_the_mapping_and_the_counts(tmp_path: Path, events: Path) -> None:
    mapping, counts = take(tmp_path / "shop", events=[events]).tables()
    assert "events.csv (canonical)" in str(mapping.title)
    assert [column.header for column in counts.columns][1:4] == ["read", "accepted", "duplicates"]
    assert list(counts.columns[1].cells) == ["7", "0", "0"]


@pytest.mark.parametrize("names", ["a b c", "c a b", "zz q 0"])
def test_renaming_products_changes_nothing_but_their_names(tmp_path: Path, names: str) -> None:
    a, b, c = names.split()
    lines = f"user_id,item_id,timestamp\nu,{b},2024-05-01\nu,{a},2024-05-02\nv,{b},2024-05-03\n"
    catalogue = f"item_id,title\n{a},First\n{b},Second\n{c},Third\n"
    take(
        tmp_path / "shop",
        events=[write(tmp_path / "e.csv", lines)],
        products=[write(tmp_path / "p.csv", catalogue)],
    )
    dataset = load_dataset(ShopTables(tmp_path / "shop" / "data"))
    titles = dataset.products.column("title").to_pylist()
    assert [titles[code] for code in dataset.events.item] == ["Second", "First", "Second"]
    assert titles == ["Third", "Second", "First"]
