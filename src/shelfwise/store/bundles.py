"""Model bundles: one folder of plain files per trained version, and which of them is current.

    models/CURRENT                      the version that answers
    models/PINNED                       the version that stays current, where one is pinned
    models/<version>/manifest.json      size and SHA-256 of each part
    models/<version>/<name>.json
    models/<version>/<name>.arrow       a table
    models/<version>/<name>/<key>.npy   arrays, memory-mapped: workers share one copy

A version appears whole or not at all, and nothing is ever unpickled. Knows nothing about models.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from shelfwise.core.errors import NotTrainedError, StorageError
from shelfwise.core.model import ModelState
from shelfwise.store.files import (
    publish_bytes,
    publish_json,
    read_json,
    sha256,
    storing,
    sync_file,
    sync_folder,
)

_MANIFEST = "manifest.json"
_CURRENT = "CURRENT"
_PINNED = "PINNED"
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")


def version_name(now_ms: int, content_hash: str) -> str:
    """A version's name: the time it was made (UTC), then the start of the hash of its content.

    >>> version_name(1_700_000_000_000, "9f86d081884c7d65")
    '20231114T221320Z-9f86d081'
    """
    return f"{datetime.fromtimestamp(now_ms / 1000, UTC):%Y%m%dT%H%M%SZ}-{content_hash[:8]}"


class BundleWriter:
    """A version in the making; used in a `with` block, it is gone unless published.

    Names of parts and keys of arrays hold letters, digits, `_`, `-` and `.` only.
    """

    def __init__(self, root: Path, version: str) -> None:
        self.version = version
        self._root = root
        self._folder = root / f".{_checked(version)}.tmp"
        with storing(self._folder):
            root.mkdir(parents=True, exist_ok=True)
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder.mkdir()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)

    def json(self, name: str, value: Any) -> None:
        """Adds a part that is JSON."""
        path = self._folder / f"{_checked(name)}.json"
        with storing(path):
            path.write_text(json.dumps(value, ensure_ascii=False, indent=1), encoding="utf-8")

    def arrays(self, name: str, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Adds a part that is named arrays of numbers, booleans or fixed-length text."""
        folder = self._folder / _checked(name)
        with storing(folder):
            folder.mkdir()
            for key, array in arrays.items():
                np.save(folder / f"{_checked(key)}.npy", array, allow_pickle=False)

    def table(self, name: str, table: pa.Table) -> None:
        """Adds a part that is an Arrow table."""
        path = self._folder / f"{_checked(name)}.arrow"
        with (
            storing(path),
            pa.OSFile(str(path), "wb") as sink,
            pa.ipc.new_file(sink, table.schema) as writer,
        ):
            writer.write_table(table)

    def publish(self) -> str:
        """The version, now whole, durable and visible; it is not current until promoted."""
        target = self._root / self.version
        if target.exists():
            raise StorageError(
                f"Model version {self.version} exists already.", remedy="Train again."
            )
        with storing(target):
            parts = sorted(path for path in self._folder.rglob("*") if path.is_file())
            for path in parts:
                sync_file(path)
            described = {
                path.relative_to(self._folder).as_posix(): {
                    "size": path.stat().st_size,
                    "sha256": sha256(path),
                }
                for path in parts
            }
            publish_json(self._folder / _MANIFEST, {"version": self.version, "parts": described})
            for folder in (path for path in self._folder.iterdir() if path.is_dir()):
                sync_folder(folder)
            self._folder.replace(target)
            sync_folder(self._root)
        return self.version


@dataclass(frozen=True)
class Bundle:
    """A whole version on the disk; its parts are read when asked for."""

    version: str
    folder: Path
    warning: str | None = None
    """Set when this is not the version that was meant to answer, saying why."""
    parts: tuple[str, ...] = field(default=(), repr=False)
    """Files of the bundle, relative to its folder."""

    def has(self, name: str) -> bool:
        """True when the bundle holds a part of this name."""
        heads = {part.split("/", 1)[0] for part in self.parts}
        return not heads.isdisjoint({name, f"{name}.json", f"{name}.arrow"})

    def json(self, name: str) -> Any:
        """The JSON part `name`."""
        return read_json(self._path(f"{name}.json"))

    def arrays(self, name: str) -> dict[str, NDArray[Any]]:
        """The arrays of part `name`, read-only and memory-mapped where they are not empty."""
        keys = [part for part in self.parts if part.startswith(f"{name}/")]
        return {key[len(name) + 1 : -len(".npy")]: _mapped(self._path(key)) for key in keys}

    def table(self, name: str) -> pa.Table:
        """The table of part `name`, memory-mapped."""
        with pa.memory_map(str(self._path(f"{name}.arrow"))) as source:
            return pa.ipc.open_file(source).read_all()

    def _path(self, part: str) -> Path:
        if part not in self.parts:
            raise StorageError(
                f"Model version {self.version} holds no '{part}'.",
                remedy=_train(self.folder.parent),
            )
        return self.folder / part


def promote(root: Path, version: str) -> None:
    """Makes `version` the one that answers from now on."""
    if not (root / version / _MANIFEST).is_file():
        raise StorageError(
            f"There is no model version {version} in {root}.",
            remedy=f"Choose one of: {', '.join(versions(root)) or 'none yet'}.",
        )
    publish_bytes(root / _CURRENT, f"{version}\n".encode())


def versions(root: Path) -> list[str]:
    """The published versions, oldest first (names begin with their time)."""
    return sorted(path.parent.name for path in root.glob(f"*/{_MANIFEST}"))


def current_version(root: Path) -> str | None:
    """The version that was promoted last, None when there is none."""
    pointer = root / _CURRENT
    return pointer.read_text(encoding="utf-8").strip() if pointer.is_file() else None


def pinned_version(root: Path) -> str | None:
    """The version that stays current whatever is trained, None when none is pinned."""
    pin = root / _PINNED
    return pin.read_text(encoding="utf-8").strip() if pin.is_file() else None


def pin(root: Path, version: str) -> None:
    """Makes `version` current, to stay so until it is unpinned."""
    promote(root, version)
    publish_bytes(root / _PINNED, f"{version}\n".encode())


def unpin(root: Path) -> str | None:
    """The version that was pinned, which stays current until a newer one is promoted."""
    before = pinned_version(root)
    (root / _PINNED).unlink(missing_ok=True)
    return before


def prune(root: Path, keep: int) -> list[str]:
    """The versions removed: all but the newest `keep`; never the current or the pinned one."""
    needed = {current_version(root), pinned_version(root)}
    listed = versions(root)
    gone = [one for one in listed[: max(0, len(listed) - keep)] if one not in needed]
    for version in gone:
        with storing(root / version):
            (root / version / _MANIFEST).unlink()  # first: without it, it is no version any more
            shutil.rmtree(root / version)
    return gone


def size_of(root: Path, version: str) -> int:
    """Bytes that the parts of the version take on the disk."""
    return sum(int(part["size"]) for part in _manifest(root / version).values())


def promotion(root: Path) -> tuple[str, int] | None:
    """The current version, and a mark that changes whenever one is promoted; None: none yet."""
    try:
        mark = (root / _CURRENT).stat().st_mtime_ns
    except FileNotFoundError:
        return None
    version = current_version(root)
    return None if version is None else (version, mark)


def open_bundle(root: Path, version: str | None = None, *, check_hashes: bool = False) -> Bundle:
    """The version asked for, or the current one; sizes are always checked, hashes on request.

    A damaged current version gives way to the newest whole one, and `Bundle.warning` says so.
    Raises `StorageError` when the version asked for is damaged, `NotTrainedError` when none is
    there.
    """
    if version is not None:
        if version not in versions(root):
            known = ", ".join(versions(root)) or "none"
            raise NotTrainedError(
                f"There is no model version {version} (known: {known}).", remedy=_train(root)
            )
        return _opened(root, version, check_hashes=check_hashes)
    current = current_version(root)
    if current is None:
        raise NotTrainedError(
            f"Shop '{root.parent.name}' has no trained model.", remedy=_train(root)
        )
    try:
        return _opened(root, current, check_hashes=check_hashes)
    except StorageError as damage:
        return _newest_whole(root, current, damage, check_hashes=check_hashes)


def save_state(writer: BundleWriter, name: str, state: ModelState) -> None:
    """Adds a fitted model as the part `name`."""
    writer.json(name, state.settings)
    writer.arrays(name, state.arrays)


def load_state(bundle: Bundle, name: str) -> ModelState:
    """The fitted model that was saved as `name`."""
    return ModelState(bundle.json(name), bundle.arrays(name))


def _newest_whole(root: Path, current: str, damage: StorageError, *, check_hashes: bool) -> Bundle:
    for version in reversed(versions(root)):
        if version == current:
            continue
        try:
            bundle = _opened(root, version, check_hashes=check_hashes)
        except StorageError:
            continue
        warning = f"{damage.message} Answering from the older version {version} instead."
        return Bundle(bundle.version, bundle.folder, warning, bundle.parts)
    raise NotTrainedError(f"{damage.message} No other whole version is there.", remedy=_train(root))


def _opened(root: Path, version: str, *, check_hashes: bool) -> Bundle:
    folder = root / version
    parts = _manifest(folder)
    for name, described in parts.items():
        path = folder / name
        if not path.is_file():
            raise _damaged(version, f"'{name}' is missing", root)
        if path.stat().st_size != described["size"]:
            raise _damaged(version, f"'{name}' has the wrong size", root)
        if check_hashes and sha256(path) != described["sha256"]:
            raise _damaged(version, f"'{name}' was changed", root)
    return Bundle(version, folder, parts=tuple(parts))


def _manifest(folder: Path) -> dict[str, dict[str, Any]]:
    try:
        parts: dict[str, dict[str, Any]] = dict(read_json(folder / _MANIFEST)["parts"])
    except (OSError, KeyError, TypeError, ValueError, StorageError):
        raise _damaged(folder.name, "its manifest cannot be read", folder.parent) from None
    return parts


def _damaged(version: str, how: str, root: Path) -> StorageError:
    return StorageError(f"Model version {version} is damaged: {how}.", remedy=_train(root))


def _train(root: Path) -> str:
    return f"Run: shelfwise train {root.parent}"


def _mapped(path: Path) -> NDArray[Any]:
    """The array, read from the file as it is used; a plain view: `memmap` indexes slowly."""
    return np.asarray(np.load(path, mmap_mode="r", allow_pickle=False))


def _checked(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise ValueError(f"A part's name may hold letters, digits, '_', '-' and '.': got {name!r}")
    return name
