"""A shop's tables: whole commits, or none."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from shelfwise.core.columns import EVENTS_SCHEMA, QUARANTINE_SCHEMA
from shelfwise.core.errors import StorageError
from shelfwise.core.event import Event, Product
from shelfwise.core.rows import events_to_table, products_to_table
from shelfwise.store.tables import Kind, ShopTables

KILLED_WHILE_STAGING = """
import os, sys
from pathlib import Path
from shelfwise.core.event import Event
from shelfwise.core.rows import events_to_table
from shelfwise.store.tables import ShopTables
with ShopTables(Path(sys.argv[1])).stage() as staging:
    staging.add("events", events_to_table([Event("view", 1, user_id="x", item_id="y")]))
    staging.close()
    (Path(sys.argv[1]) / "events-9.parquet").write_bytes(staging.paths("events")[0].read_bytes())
    os.kill(os.getpid(), 9)
"""

WITH_A_SMALL_DISK = """
import random, resource, sys
from pathlib import Path
from shelfwise.core.errors import StorageError
from shelfwise.core.event import Event
from shelfwise.core.rows import events_to_table
from shelfwise.store.tables import ShopTables
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
many = [Event("view", t, user_id=str(random.random()), item_id="y") for t in range(20_000)]
try:
    with ShopTables(Path(sys.argv[1])).stage() as staging:
        staging.add("events", events_to_table(many))
        staging.close()
        staging.commit({"events": staging.paths("events")}, {})
except StorageError as error:
    print(error)
"""


def view(user: str, item: str = "a", time_ms: int = 1) -> pa.Table:
    return events_to_table([Event("view", time_ms, user_id=user, item_id=item)])


def add(tables: ShopTables, kind: Kind, *sources: pa.Table) -> None:
    with tables.stage() as staging:
        for number, source in enumerate(sources):
            staging.begin(f"source {number}")
            staging.add(kind, source)
        staging.close()
        staging.commit({kind: staging.paths(kind)}, {})


def replace_products(tables: ShopTables, title: str) -> None:
    with tables.stage() as staging:
        path = staging.folder / "new.parquet"
        pq.write_table(products_to_table([Product("a", title)]), path)
        staging.commit({}, {"products": path})


def run(script: str, root: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", script, str(root)], capture_output=True, text=True, check=False
    )


def test_a_new_shop_has_empty_tables(tmp_path: Path) -> None:
    tables = ShopTables(tmp_path / "data")
    assert tables.events().num_rows == tables.reviews().num_rows == tables.products().num_rows == 0
    assert tables.automated() is None
    assert tables.events(["item_id"]).column_names == ["item_id"]


def test_committed_rows_are_read_back_and_new_ones_come_after(tmp_path: Path) -> None:
    tables = ShopTables(tmp_path)
    add(tables, "events", view("u"), view("v"))
    add(tables, "events", view("w"))
    assert tables.events().column("user_id").to_pylist() == ["u", "v", "w"]
    assert tables.events().column("order").to_pylist() == [0, 1, 2]
    assert tables.count("events") == 3
    assert len(tables.event_paths()) == 3


def test_segments_written_by_another_program_have_the_common_columns(tmp_path: Path) -> None:
    tables = ShopTables(tmp_path)
    add(tables, "events", view("u"))
    with tables.stage() as staging:
        path = staging.folder / "other.parquet"
        table = view("v")
        strict = [
            field.with_nullable(table.column(field.name).null_count > 0) for field in EVENTS_SCHEMA
        ]
        pq.write_table(table.cast(pa.schema(strict)), path)
        staging.commit({"events": [path]}, {})
    assert tables.events().schema == EVENTS_SCHEMA
    assert tables.events().column("user_id").to_pylist() == ["u", "v"]


def test_what_is_staged_but_not_committed_is_gone(tmp_path: Path) -> None:
    tables = ShopTables(tmp_path)
    add(tables, "events", view("u"))
    before = tables.fingerprint()
    with tables.stage() as staging:
        staging.add("events", view("v"))
    assert tables.fingerprint() == before
    assert not (tmp_path / ".staging").exists()


def test_the_fingerprint_follows_the_content(tmp_path: Path) -> None:
    tables = ShopTables(tmp_path)
    empty = tables.fingerprint()
    add(tables, "events", view("u"))
    one = tables.fingerprint()
    add(tables, "events")
    assert tables.fingerprint() == one != empty


def test_replaced_products_are_the_new_ones_and_the_old_file_is_swept_later(
    tmp_path: Path,
) -> None:
    tables = ShopTables(tmp_path)
    replace_products(tables, "old")
    replace_products(tables, "new")
    assert tables.products().column("title").to_pylist() == ["new"]
    assert len(list(tmp_path.glob("products-*"))) == 2
    replace_products(tables, "new")
    assert [path.name for path in tmp_path.glob("products-*")] == ["products-2.parquet"]


def test_quarantined_rows_are_kept_in_their_own_folder(tmp_path: Path) -> None:
    tables = ShopTables(tmp_path)
    row = {"source": "a.csv", "line": 3, "kind": "events", "reason": "no_item", "row": "{}"}
    add(tables, "quarantine", pa.Table.from_pylist([row], QUARANTINE_SCHEMA))
    assert tables.quarantine().to_pylist() == [row]
    assert [path.parent.name for path in tables.paths("quarantine")] == ["quarantine"]


def test_an_ingest_that_is_killed_leaves_the_last_good_state(tmp_path: Path) -> None:
    tables = ShopTables(tmp_path)
    add(tables, "events", view("u"))
    assert run(KILLED_WHILE_STAGING, tmp_path).returncode == -9
    assert tables.events().column("user_id").to_pylist() == ["u"]
    add(tables, "events", view("v"))
    assert tables.events().column("user_id").to_pylist() == ["u", "v"]
    assert sorted(path.name for path in tmp_path.glob("*.parquet")) == [
        "events-1.parquet",
        "events-2.parquet",
    ]


def test_a_full_disk_leaves_the_last_good_state_and_says_what_to_do(tmp_path: Path) -> None:
    tables = ShopTables(tmp_path)
    add(tables, "events", view("u"))
    done = run(WITH_A_SMALL_DISK, tmp_path)
    assert done.stdout.startswith("No space left on the disk"), done.stderr
    assert tables.events().column("user_id").to_pylist() == ["u"]
    assert not (tmp_path / ".staging").exists()


def test_two_ingests_at_once_are_refused(tmp_path: Path) -> None:
    tables = ShopTables(tmp_path)
    with tables.stage(), pytest.raises(StorageError, match="Another process is ingesting"):
        add(tables, "events", view("u"))


def test_a_source_is_known_once_it_was_committed(tmp_path: Path) -> None:
    tables = ShopTables(tmp_path)
    add(tables, "events", view("u"))
    with tables.stage() as staging:
        assert staging.begin("source 0")
        assert not staging.begin("source 1")
        assert staging.begin("source 1")
    with tables.stage() as staging:
        assert not staging.begin("source 1")


def test_a_missing_segment_is_named(tmp_path: Path) -> None:
    tables = ShopTables(tmp_path)
    add(tables, "events", view("u"))
    (tmp_path / "events-1.parquet").unlink()
    with pytest.raises(StorageError, match=r"events-1\.parquet is missing or damaged"):
        tables.events()


def test_a_manifest_of_another_version_is_refused(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text('{"format": 99}')
    with pytest.raises(StorageError, match="not written by this version"):
        ShopTables(tmp_path).events()
