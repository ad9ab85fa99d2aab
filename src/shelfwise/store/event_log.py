"""The online log: what shops tell the server, on the disk before it is acknowledged.

One SQLite file in WAL mode with `synchronous=FULL`. Each process has one writer thread, which
commits everything that has queued up in one transaction: one flush to the disk then serves many
requests (SERVING.md: 28,000 to 148,000 events a second at 100 a transaction, some 400 one by one).
Several processes may write; `BEGIN IMMEDIATE` lets one at a time in, so offsets are visible in the
order in which they were given out, and whoever reads on from an offset misses nothing.

Erasing a person deletes that person's events in the same transaction, overwritten on the disk.
Does not know what models make of the records.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from hashlib import blake2b
from pathlib import Path
from typing import Final, Self

from shelfwise.core.errors import OverloadError, StorageError
from shelfwise.core.event import Event
from shelfwise.store.files import storage_error, storing, sync_folder
from shelfwise.store.log_record import KINDS, Content, Erasure, Record, decode, encode

BUSY_SECONDS: Final = 10.0
"""How long a writer waits for another process to finish its transaction."""

MAX_QUEUED: Final = 100_000
"""Records waiting to be written; beyond that `append` refuses, as the disk is too slow."""

_BATCH: Final = 4_096
_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS records (
    offset INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    user_id TEXT,
    session_id TEXT,
    key BLOB,
    payload BLOB NOT NULL
);
CREATE UNIQUE INDEX IF NOT EXISTS records_key ON records (key) WHERE key IS NOT NULL;
CREATE INDEX IF NOT EXISTS records_user ON records (user_id) WHERE user_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS records_session ON records (session_id)
    WHERE user_id IS NULL AND session_id IS NOT NULL;
"""
_INSERT: Final = "INSERT INTO records VALUES (?, ?, ?, ?, ?, ?)"
_SELECT: Final = "SELECT offset, kind, payload FROM records"
_OWN_SESSIONS: Final = """
SELECT DISTINCT session_id FROM records WHERE user_id = ? AND session_id IS NOT NULL
ORDER BY session_id
"""


@dataclass(frozen=True)
class Appended:
    """What one `append` added, now durable."""

    records: tuple[Record, ...]
    duplicates: int = 0
    """Contents left out because their key was in the log before."""


@dataclass(frozen=True)
class _Entry:
    """One content on its way to the disk."""

    content: Content
    payload: bytes
    key: bytes | None


@dataclass(frozen=True)
class _Job:
    entries: tuple[_Entry, ...]
    done: Future[Appended]


class EventLog:
    """The log of one shop, as one process sees it; close it, or use it in a `with` block."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with storing(path):
            path.parent.mkdir(parents=True, exist_ok=True)
        self._reader = self._connect()
        self._reading = threading.Lock()
        self._queue: list[_Job] = []
        self._queued = 0
        self._wake = threading.Condition()
        self._closing = False
        self._writer = threading.Thread(target=self._write_all, name="event-log", daemon=True)
        self._writer.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def append(
        self, contents: Sequence[Content], keys: Sequence[str | None] = ()
    ) -> Future[Appended]:
        """A future that is done when all `contents` are on the disk, or none is.

        `keys`, one for each content or none at all, name contents that may be sent again: one whose
        key is in the log already is left out. The future fails with `StorageError` when the disk
        refuses; nothing of the call was stored then.
        """
        named = keys or [None] * len(contents)
        entries = tuple(
            _Entry(content, encode(content), None if key is None else _digest(key))
            for content, key in zip(contents, named, strict=True)
        )
        done: Future[Appended] = Future()
        with self._wake:
            self._check_open()
            if self._queued + len(entries) > MAX_QUEUED:
                raise OverloadError(
                    f"{self._queued} events are waiting for the disk.", remedy="Send them later."
                )
            self._queue.append(_Job(entries, done))
            self._queued += len(entries)
            self._wake.notify()
        return done

    def read(self, after_offset: int, limit: int = 1_000) -> list[Record]:
        """The next records after an offset, oldest first; empty when there are none yet."""
        rows = self._rows(
            f"{_SELECT} WHERE offset > ? ORDER BY offset LIMIT ?", (after_offset, limit)
        )
        return [decode(*row) for row in rows]

    def tail(self, after_offset: int, batch: int = 10_000) -> Iterator[list[Record]]:
        """All records after an offset, in batches, up to the end the log has when it is reached."""
        reached = after_offset
        while records := self.read(reached, batch):
            yield records
            reached = records[-1].offset

    def last_offset(self) -> int:
        """The greatest offset ever given out, 0 for a new log."""
        rows = self._rows("SELECT seq FROM sqlite_sequence WHERE name = 'records'", ())
        return int(rows[0][0]) if rows else 0

    def close(self) -> None:
        """Writes what is queued, then lets go of the file."""
        with self._wake:
            self._closing = True
            self._wake.notify()
        self._writer.join()
        with self._reading:
            self._reader.close()

    def _check_open(self) -> None:
        if self._closing:
            raise StorageError(f"{self.path} was closed.", remedy="Open the log again.")

    def _connect(self) -> sqlite3.Connection:
        try:
            connection = sqlite3.connect(
                self.path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
            )
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA secure_delete = ON")
            connection.executescript(_SCHEMA)
            sync_folder(self.path.parent)
        except sqlite3.Error as error:
            raise _refusal(self.path, error) from error
        return connection

    def _rows(self, query: str, values: tuple[int, ...]) -> list[tuple[int, str, bytes]]:
        try:
            with self._reading:
                return self._reader.execute(query, values).fetchall()
        except sqlite3.Error as error:
            raise _refusal(self.path, error) from error

    def _write_all(self) -> None:
        """The writer thread: one transaction for whatever has queued up, until closed."""
        connection: sqlite3.Connection | None = None
        while taken := self._next_jobs():
            jobs = [job for job in taken if job.done.set_running_or_notify_cancel()]
            try:
                connection = connection or self._connect()
                results = _commit(connection, jobs)
            except (sqlite3.Error, StorageError) as error:
                _fail(jobs, _refusal(self.path, error))
            else:
                for job, result in zip(jobs, results, strict=True):
                    job.done.set_result(result)
        if connection is not None:
            connection.close()

    def _next_jobs(self) -> list[_Job]:
        """What is queued, some thousands of records at most; empty only when closing."""
        with self._wake:
            while not self._queue and not self._closing:
                self._wake.wait()
            taken, records = 0, 0
            while taken < len(self._queue) and records < _BATCH:
                records += len(self._queue[taken].entries)
                taken += 1
            jobs = self._queue[:taken]
            del self._queue[:taken]
            self._queued -= records
            return jobs


def _commit(connection: sqlite3.Connection, jobs: Sequence[_Job]) -> list[Appended]:
    """Each job's records, durable; on any failure none is stored."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        offset = _last_offset(connection)
        results: list[Appended] = []
        for job in jobs:
            result = _insert(connection, job.entries, offset)
            offset += len(result.records)
            results.append(result)
        connection.execute("COMMIT")
    except sqlite3.Error:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    if any(type(entry.content) is Erasure for job in jobs for entry in job.entries):
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return results


def _insert(connection: sqlite3.Connection, entries: Sequence[_Entry], last: int) -> Appended:
    rows: list[tuple[int, str, str | None, str | None, bytes | None, bytes]] = []
    records: list[Record] = []
    for entry in _fresh(connection, entries):
        content, payload = entry.content, entry.payload
        if isinstance(content, Erasure):
            connection.executemany(_INSERT, rows)
            rows.clear()
            content = _erase(connection, content)
            payload = encode(content)
        offset = last + len(records) + 1
        user, session = (
            (content.user_id, content.session_id) if isinstance(content, Event) else (None, None)
        )
        rows.append((offset, KINDS[type(content)], user, session, entry.key, payload))
        records.append(Record(offset, KINDS[type(content)], content))
    connection.executemany(_INSERT, rows)
    return Appended(tuple(records), len(entries) - len(records))


def _fresh(connection: sqlite3.Connection, entries: Sequence[_Entry]) -> Iterator[_Entry]:
    """The entries whose key is neither in the log nor earlier in the batch."""
    met: set[bytes] = set()
    for entry in entries:
        if entry.key is not None:
            known = connection.execute("SELECT 1 FROM records WHERE key = ?", (entry.key,))
            if entry.key in met or known.fetchone():
                continue
            met.add(entry.key)
        yield entry


def _erase(connection: sqlite3.Connection, erasure: Erasure) -> Erasure:
    """The erasure with the person's sessions, after that person's events are gone.

    Events without a user in one of those sessions are the same person's, before signing in; and an
    anonymous shopper is erased by the session's id.
    """
    own = [row[0] for row in connection.execute(_OWN_SESSIONS, (erasure.user_id,))]
    connection.execute("DELETE FROM records WHERE user_id = ?", (erasure.user_id,))
    connection.executemany(
        "DELETE FROM records WHERE user_id IS NULL AND session_id = ?",
        [(session,) for session in [*own, erasure.user_id]],
    )
    return replace(erasure, session_ids=tuple(own))


def _last_offset(connection: sqlite3.Connection) -> int:
    row = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'records'").fetchone()
    return 0 if row is None else int(row[0])


def _digest(key: str) -> bytes:
    return blake2b(key.encode(), digest_size=16).digest()


def _fail(jobs: Sequence[_Job], error: StorageError) -> None:
    for job in jobs:
        job.done.set_exception(error)


def _refusal(path: Path, error: sqlite3.Error | StorageError) -> StorageError:
    if isinstance(error, StorageError):
        return error
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code == sqlite3.SQLITE_FULL:
        return storage_error(path, OSError("No space left"))
    if code == sqlite3.SQLITE_BUSY:
        return StorageError(
            f"Another process kept {path} locked for {BUSY_SECONDS:.0f} seconds.",
            remedy="Wait until it is done, then try again.",
        )
    if code in {sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT}:
        return StorageError(f"{path} is damaged: {error}.", remedy="Restore it from a backup.")
    return StorageError(
        f"Cannot use {path}: {error}.",
        remedy="Check that the disk has space and that the file may be written to.",
    )
