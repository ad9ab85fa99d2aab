"""The life of a shop's models: which versions there are, which answers, how two of them differ."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shelfwise.core.errors import NotTrainedError, StorageError
from shelfwise.pipeline.train import served_ndcg
from shelfwise.store.bundles import (
    current_version,
    open_bundle,
    pin,
    pinned_version,
    promote,
    size_of,
    versions,
)


@dataclass(frozen=True)
class Version:
    """One stored version, as its manifest and its own account tell."""

    version: str
    """Its name, which begins with when it was made (UTC)."""
    current: bool
    pinned: bool
    ndcg: float | None
    """Held-out NDCG@k of what serves; None where nothing could be held out."""
    k: int
    requests: int
    """Held-out requests that the figure is a mean of."""
    events: int
    """Events learnt from."""
    size: int
    """Bytes on the disk."""
    fit_seconds: float
    """Wall time of all fits of the final models together."""
    parent: str | None
    """The version that was current when this one was trained; None: none, or not recorded."""
    data: str
    """Fingerprint of the stored tables it was trained on."""
    trouble: str = ""
    """Why it cannot be opened, empty where it can."""


@dataclass(frozen=True)
class Change:
    """One setting that differs between two versions; None where a version lacks it."""

    setting: str
    before: Any
    after: Any


@dataclass(frozen=True)
class Comparison:
    """Two versions side by side."""

    before: Version
    after: Version
    changes: tuple[Change, ...]
    """Settings that differ, by name."""
    caution: str
    """What the two figures do not allow to conclude."""


def list_versions(root: Path) -> list[Version]:
    """The versions under `root` (`models/`), newest first; a damaged one says so."""
    current, pinned = current_version(root), pinned_version(root)
    return [_described(root, name, current, pinned) for name in reversed(versions(root))]


def compare(root: Path, before: str, after: str) -> Comparison:
    """How `after` differs from `before`; raises `NotTrainedError` for one that is not there."""
    about = [open_bundle(root, name).json("about") for name in (before, after)]
    current, pinned = current_version(root), pinned_version(root)
    old, new = (_described(root, name, current, pinned) for name in (before, after))
    settings = [dict(_flat(one["config"])) for one in about]
    changes = tuple(
        Change(name, settings[0].get(name), settings[1].get(name))
        for name in sorted(settings[0].keys() | settings[1].keys())
        if settings[0].get(name) != settings[1].get(name)
    )
    return Comparison(old, new, changes, _caution(old, new))


def roll_back(root: Path, version: str | None = None) -> str:
    """The version that answers again: the one named, or the one that answered before this one.

    That is the parent of the current version where it is still there, else the next older one.
    Refused where a version is pinned: that must be undone first.
    """
    pinned = pinned_version(root)
    if pinned is not None:
        raise StorageError(
            f"Version {pinned} is pinned.", remedy="Unpin it first, or pin another: --pin VERSION."
        )
    target = version or _before_current(root)
    if target not in versions(root):
        raise NotTrainedError(
            f"There is no model version {target}.",
            remedy=f"Choose one of: {', '.join(versions(root)) or 'none yet'}.",
        )
    promote(root, target)
    return target


def pin_version(root: Path, version: str) -> None:
    """Makes a whole version current and keeps it so; raises for a damaged or unknown one."""
    open_bundle(root, version)
    pin(root, version)


def _before_current(root: Path) -> str:
    current = current_version(root)
    if current is None:
        raise NotTrainedError("There is no current version.", remedy="Run: shelfwise train SHOP")
    known = versions(root)
    parent = open_bundle(root, current).json("about").get("parent") if current in known else None
    if parent in known:
        return str(parent)
    older = [name for name in known if name < current]
    if not older:
        raise NotTrainedError(
            f"No version is older than {current}.", remedy="Name one: --rollback-to VERSION."
        )
    return older[-1]


def _described(root: Path, name: str, current: str | None, pinned: str | None) -> Version:
    try:
        about = open_bundle(root, name).json("about")
    except StorageError as error:
        about, trouble = {}, error.message
    else:
        trouble = ""
    fusion: Mapping[str, Any] = about.get("fusion", {})
    return Version(
        version=name,
        current=name == current,
        pinned=name == pinned,
        ndcg=served_ndcg(fusion) if fusion else None,
        k=fusion.get("k", 10),
        requests=fusion.get("held_out", 0),
        events=about.get("events", 0),
        size=0 if trouble else size_of(root, name),
        fit_seconds=float(sum(about.get("fit_seconds", {}).values())),
        parent=about.get("parent"),
        data=str(about.get("data", "")),
        trouble=trouble,
    )


def _caution(old: Version, new: Version) -> str:
    if old.ndcg is None or new.ndcg is None:
        return "At least one of them had nothing held out, so nothing can be said of quality."
    if old.data == new.data:
        return "Both were trained on the same data, but each drew its own held-out requests."
    return (
        "Each figure is of the latest requests at the time of its own training: a difference may"
        " be that of the requests, not of the models."
    )


def _flat(settings: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in settings.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value
