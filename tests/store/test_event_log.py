"""The online log: durable before it is acknowledged, in order, each record once."""

from __future__ import annotations

import resource
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from shelfwise.core.columns import EVENTS_SCHEMA
from shelfwise.core.errors import OverloadError, StorageError
from shelfwise.core.event import Event, Product
from shelfwise.store import event_log
from shelfwise.store.event_log import EventLog
from shelfwise.store.log_record import Content, Deletion, Erasure, Record, decode, encode
from shelfwise.store.log_tables import erasures, events_table, product_changes

WAIT = 20.0


def view(user: str | None, item: str, time_ms: int = 1, session: str | None = None) -> Event:
    return Event("view", time_ms, user_id=user, item_id=item, session_id=session)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "log" / "events.sqlite"


@pytest.fixture
def log(path: Path) -> Iterator[EventLog]:
    with EventLog(path) as opened:
        yield opened


def test_a_new_log_is_empty(log: EventLog) -> None:
    assert log.last_offset() == 0
    assert log.read(0) == []


def test_records_come_back_in_order_with_growing_offsets(log: EventLog) -> None:
    contents: list[Content] = [
        view("u", "a"),
        Product("a", title="Lamp"),
        Deletion("a"),
        view("u", "b"),
    ]
    appended = log.append(contents).result(WAIT)
    assert [record.offset for record in appended.records] == [1, 2, 3, 4]
    assert log.read(0) == list(appended.records)
    assert [record.content for record in log.read(0)] == contents
    assert [record.kind for record in log.read(0)] == [
        "event", "product_put", "product_delete", "event",
    ]  # fmt: skip
    assert log.read(2, limit=1) == [Record(3, "product_delete", Deletion("a"))]


def test_an_acknowledged_record_is_there_after_opening_again(path: Path) -> None:
    with EventLog(path) as first:
        first.append([view("u", "a")]).result(WAIT)
    with EventLog(path) as second:
        assert second.read(0) == [Record(1, "event", view("u", "a"))]
        assert second.append([view("u", "b")]).result(WAIT).records[0].offset == 2


def test_an_acknowledged_record_survives_kill_9(path: Path) -> None:
    program = (
        "import os, signal, sys; from pathlib import Path\n"
        "from shelfwise.core.event import Event; from shelfwise.store.event_log import EventLog\n"
        "log = EventLog(Path(sys.argv[1]))\n"
        "log.append([Event('view', 1, user_id='u', item_id='a')]).result(20)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    subprocess.run([sys.executable, "-c", program, str(path)], check=False, timeout=60)
    with EventLog(path) as log:
        assert log.read(0) == [Record(1, "event", view("u", "a"))]


def test_a_record_with_a_known_key_is_left_out(log: EventLog) -> None:
    log.append([view("u", "a")], keys=["k1"]).result(WAIT)
    again = log.append([view("u", "a"), view("u", "b"), view("u", "b")], keys=["k1", "k2", "k2"])
    assert again.result(WAIT).duplicates == 2
    assert [record.content for record in log.read(0)] == [view("u", "a"), view("u", "b")]
    assert [record.offset for record in log.read(0)] == [1, 2]


def test_without_a_key_equal_events_are_two_events(log: EventLog) -> None:
    log.append([view("u", "a"), view("u", "a")]).result(WAIT)
    assert len(log.read(0)) == 2


def test_many_small_appends_at_once_are_all_stored_in_the_order_given(log: EventLog) -> None:
    waiting = [log.append([view("u", str(number))]) for number in range(500)]
    offsets = [future.result(WAIT).records[0].offset for future in waiting]
    assert offsets == list(range(1, 501))
    batches = list(log.tail(0, batch=70))
    assert len(batches) == 8
    assert [r.content for b in batches for r in b] == [view("u", str(n)) for n in range(500)]


def test_two_processes_write_one_log_and_nothing_is_lost(path: Path) -> None:
    program = (
        "import sys; from pathlib import Path\n"
        "from shelfwise.core.event import Event; from shelfwise.store.event_log import EventLog\n"
        "with EventLog(Path(sys.argv[1])) as log:\n"
        "    for n in range(100):\n"
        "        event = Event('view', n, user_id=sys.argv[2], item_id='a')\n"
        "        log.append([event]).result(60)\n"
    )
    writers = [
        subprocess.Popen([sys.executable, "-c", program, str(path), user]) for user in ("u", "v")
    ]
    assert [writer.wait(120) for writer in writers] == [0, 0]
    with EventLog(path) as log:
        records = log.read(0)
    assert [record.offset for record in records] == list(range(1, 201))
    for user in ("u", "v"):
        own = [
            record.content.time_ms
            for record in records
            if isinstance(record.content, Event) and record.content.user_id == user
        ]
        assert own == list(range(100))


def test_another_process_sees_new_records_by_reading_on(path: Path) -> None:
    with EventLog(path) as writer, EventLog(path) as reader:
        writer.append([view("u", "a")]).result(WAIT)
        assert [record.offset for record in reader.read(0)] == [1]
        writer.append([view("u", "b")]).result(WAIT)
        assert [record.offset for record in reader.read(1)] == [2]


def test_an_erased_person_is_gone_from_the_file_and_others_stay(path: Path) -> None:
    with EventLog(path) as log:
        log.append(
            [
                view("zoe-secret", "a", session="s1"),
                view(None, "b", session="s1"),
                view(None, "c", session="s2"),
                view("v", "d", session="s1"),
            ]
        ).result(WAIT)
        erased = log.append([Erasure("zoe-secret")]).result(WAIT)
        assert erased.records == (Record(5, "erase_user", Erasure("zoe-secret", ("s1",))),)
        assert [record.offset for record in log.read(0)] == [3, 4, 5]
        assert erasures(log, 0, 5) == (Erasure("zoe-secret", ("s1",)),)
    payload = encode(view("zoe-secret", "a", session="s1"))
    assert payload not in b"".join(file.read_bytes() for file in path.parent.iterdir())


def test_an_anonymous_shopper_is_erased_by_the_session(log: EventLog) -> None:
    log.append([view(None, "a", session="s"), view("u", "b", session="s")]).result(WAIT)
    log.append([Erasure("s")]).result(WAIT)
    assert [record.offset for record in log.read(0)] == [2, 3]


def test_an_offset_is_not_used_again_after_an_erasure(path: Path) -> None:
    with EventLog(path) as log:
        log.append([view("u", "a"), Erasure("u")]).result(WAIT)
        assert [record.offset for record in log.read(0)] == [2]
    with sqlite3.connect(path) as connection:
        connection.execute("DELETE FROM records")
    connection.close()
    with EventLog(path) as log:
        assert log.append([view("v", "a")]).result(WAIT).records[0].offset == 3


def test_when_the_disk_is_full_nothing_is_acknowledged_and_later_writes_work(path: Path) -> None:
    with EventLog(path) as log:
        log.append([view("u", "a")]).result(WAIT)
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (64 * 1024, before[1]))
        try:
            refused = log.append([view("u", "x" * 900) for _ in range(500)])
            with pytest.raises(StorageError) as caught:
                refused.result(WAIT)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
        assert caught.value.remedy
        assert [record.offset for record in log.read(0)] == [1]
        assert log.append([view("u", "b")]).result(WAIT).records[0].offset == 2


def test_a_log_that_cannot_be_made_says_why(tmp_path: Path) -> None:
    (tmp_path / "log").write_text("a file")
    with pytest.raises(StorageError, match="log"):
        EventLog(tmp_path / "log" / "events.sqlite")


def test_a_file_that_is_no_log_is_refused(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"not a database, and long enough to be looked at" * 100)
    with pytest.raises(StorageError, match="damaged"):
        EventLog(path)


def test_a_damaged_record_is_named() -> None:
    with pytest.raises(StorageError, match="Record 7"):
        decode(7, "event", b"{")
    with pytest.raises(StorageError, match="Record 8"):
        decode(8, "unheard_of", b"{}")


def test_a_queue_that_has_grown_too_long_refuses_more(
    log: EventLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_log, "MAX_QUEUED", 1)
    with pytest.raises(OverloadError):
        log.append([view("u", "a"), view("u", "b")])


def test_a_closed_log_refuses_and_has_stored_what_was_queued(path: Path) -> None:
    log = EventLog(path)
    waiting = log.append([view("u", "a")])
    log.close()
    assert waiting.done()
    with pytest.raises(StorageError, match="closed"):
        log.append([view("u", "b")])


def test_an_append_that_was_given_up_before_its_turn_does_not_stop_the_writer(
    log: EventLog,
) -> None:
    for _ in range(50):
        log.append([view("u", "a")]).cancel()
    assert log.append([view("u", "b")]).result(WAIT).records


def test_the_events_become_a_training_table(log: EventLog) -> None:
    full = Event(
        "purchase", 5, user_id="u", item_id="a", value=3.0, quantity=2.0, price=1.5,
        currency="EUR", position=2, list_id="r1", rating=4.5, country="DE",
    )  # fmt: skip
    log.append([full, Product("a"), Event("search", 6, session_id="s", query="灯")]).result(WAIT)
    table = events_table(log, 0, log.last_offset())
    assert table.schema.equals(EVENTS_SCHEMA)
    rows = table.to_pylist()
    assert [row["order"] for row in rows] == [1, 3]
    assert rows[0]["price"] == 1.5
    assert rows[0]["list_id"] == "r1"
    assert rows[1]["query"] == "灯"
    assert events_table(log, 1, 2).num_rows == 0
    assert events_table(log, 3, 3).schema.equals(EVENTS_SCHEMA)


def test_the_last_change_of_a_product_counts(log: EventLog) -> None:
    log.append(
        [Product("a"), Product("b", title="old"), Deletion("a"), Product("b", title="new")]
    ).result(WAIT)
    changes = product_changes(log, 0, 4)
    assert changes.put == (Product("b", title="new"),)
    assert changes.deleted == ("a",)
    assert product_changes(log, 0, 1).put == (Product("a"),)
