"""The life of a shop's models: which versions there are, which answers, how two of them differ."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from shelfwise.core.dataset import Dataset
from shelfwise.core.errors import NotEnoughDataError, NotTrainedError, StorageError
from shelfwise.evaluation.splits import temporal_at
from shelfwise.pipeline.load import load_live
from shelfwise.pipeline.paired import ENOUGH, Answerer, Paired, Unpaired, compared, some_of
from shelfwise.pipeline.settings import PipelineConfig
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
from shelfwise.store.event_log import EventLog

NOT_ASKED: Final = Unpaired("nothing was asked")


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
    against: Mapping[str, Any] | None = None
    """`pipeline.paired.Paired` with the version that answered when this one was trained, as it was
    measured then; None: not measured."""
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
    paired: Paired | Unpaired = NOT_ASKED
    """What `after` answers to the same requests as `before`, about choices made after both."""


def list_versions(root: Path) -> list[Version]:
    """The versions under `root` (`models/`), newest first; a damaged one says so."""
    current, pinned = current_version(root), pinned_version(root)
    return [_described(root, name, current, pinned) for name in reversed(versions(root))]


def compare(
    root: Path, before: str, after: str, ask: Callable[[str, str], Paired | Unpaired] | None = None
) -> Comparison:
    """How `after` differs from `before`; raises `NotTrainedError` for one that is not there.

    `ask` is told both, and puts the same requests to them (`asked_both`).
    """
    about = [open_bundle(root, name).json("about") for name in (before, after)]
    current, pinned = current_version(root), pinned_version(root)
    old, new = (_described(root, name, current, pinned) for name in (before, after))
    settings = [dict(_flat(one["config"])) for one in about]
    changes = tuple(
        Change(name, settings[0].get(name), settings[1].get(name))
        for name in sorted(settings[0].keys() | settings[1].keys())
        if settings[0].get(name) != settings[1].get(name)
    )
    paired = NOT_ASKED if ask is None else ask(before, after)
    return Comparison(old, new, changes, _caution(old, new), paired)


def asked_both(
    root: Path, log: EventLog, data: Dataset, config: PipelineConfig, before: str, after: str
) -> Paired | Unpaired:
    """Two stored versions on what shoppers chose after both were trained, as far as `data` know.

    Each is told what shoppers had done by then, and the products of now.
    """
    bundles = [open_bundle(root, name) for name in (before, after)]
    since = max(int(bundle.json("about")["last_event_ms"]) for bundle in bundles) + 1
    if not data.timed:
        return Unpaired("the events have no times, so none is known to be later than both")
    try:
        later = temporal_at(data, since)
    except NotEnoughDataError:
        return Unpaired("no choice is known that was made after both were trained")
    if len(later) < ENOUGH:
        return Unpaired(f"only {len(later)} requests are later than what both learnt from")
    rng = np.random.default_rng(config.train.seed)
    asked = some_of(len(later), rng)
    requests = later.requests.take(asked)
    tops = []
    for bundle in bundles:
        live = load_live(bundle, log, config, events=False)
        tops.append(Answerer.of(live, data.items).top(requests, config.fusion.k))
    return compared(
        tops[1],
        tops[0],
        later.relevant.take(asked),
        against=before,
        since_ms=since,
        seed=config.train.seed,
    )


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
        against=about.get("promotion", {}).get("paired"),
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
