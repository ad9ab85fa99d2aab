"""Files that are either the old one or the new one, whatever happens in between.

Every file that makes other files visible (a manifest, a pointer, a report) is written here: to a
temporary name beside it, flushed to the disk, then renamed over the old one. A full disk or a kill
leaves the old file as it was. Does not know what the files hold.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from shelfwise.core.errors import StorageError

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


@contextmanager
def storing(path: Path) -> Iterator[None]:
    """A block whose disk errors become a `StorageError` that names `path` and the remedy."""
    try:
        yield
    except OSError as error:
        raise storage_error(path, error) from error


def storage_error(path: Path, error: OSError) -> StorageError:
    """What to tell the owner when the disk refused to write `path`."""
    if error.errno in _FULL or "No space left" in str(error):
        remedy = "Free some space and run it again; what was stored before is unchanged."
        return StorageError(f"No space left on the disk to write {path}.", remedy=remedy)
    reason = error.strerror or str(error)
    remedy = "Check that the folder exists and may be written to, then run it again."
    return StorageError(f"Cannot write {path}: {reason}.", remedy=remedy)


def publish_bytes(path: Path, data: bytes) -> None:
    """`path` holding exactly `data`, durably; on any failure the file that was there is intact."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    with storing(path):
        try:
            with temporary.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        except OSError:
            temporary.unlink(missing_ok=True)
            raise
        sync_folder(path.parent)


def publish_json(path: Path, value: Any) -> None:
    """`path` holding `value` as readable JSON, durably."""
    publish_bytes(path, (json.dumps(value, ensure_ascii=False, indent=2) + "\n").encode())


def read_json(path: Path) -> Any:
    """What the JSON file holds; raises `StorageError` when it is not whole."""
    try:
        return json.loads(path.read_bytes())
    except ValueError as error:
        raise StorageError(
            f"{path} is damaged: {error}.", remedy="Restore it from a backup."
        ) from error


def sync_file(path: Path) -> None:
    """The file's content on the disk, not only in the memory of the system."""
    _sync(path, os.O_RDONLY)


def sync_folder(path: Path) -> None:
    """The folder's list of names on the disk, so that a rename survives a power cut."""
    _sync(path, os.O_RDONLY | os.O_DIRECTORY)


def _sync(path: Path, flags: int) -> None:
    descriptor = os.open(path, flags)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sha256(path: Path) -> str:
    """The SHA-256 of the file's content, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def only_one(lock: Path, doing: str) -> Iterator[None]:
    """A block that one process at a time may be in; another gets a `StorageError` at once.

    The lock is the system's own on the open file, so it goes with the process that held it, however
    that process ends.
    """
    with storing(lock):
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StorageError(
                f"Another process is {doing} {lock.parent}.",
                remedy="Wait until it is done, then run it again.",
            ) from None
        yield
    finally:
        os.close(descriptor)
