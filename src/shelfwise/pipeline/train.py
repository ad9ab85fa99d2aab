"""Trains a shop: learn the fusion on the latest past, fit on everything, publish when whole."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from shelfwise.core.dataset import Dataset
from shelfwise.core.errors import NotEnoughDataError, ShelfwiseError
from shelfwise.core.requests import Histories
from shelfwise.core.rows import products_to_table
from shelfwise.evaluation.splits import Split
from shelfwise.features.vectors import RANKING_FEATURES
from shelfwise.pipeline.budget import Plan, planned
from shelfwise.pipeline.calibrate import learn_outlook
from shelfwise.pipeline.dataset import load_dataset
from shelfwise.pipeline.erase import drop_old_bundles, erase_stored
from shelfwise.pipeline.fit import (
    Fitted,
    fit_models,
    learn_choice,
    unlearnt_fusion,
    validation_split,
)
from shelfwise.pipeline.load import load_live
from shelfwise.pipeline.paired import Paired, Unpaired
from shelfwise.pipeline.progress import Progress
from shelfwise.pipeline.promotion import NO_RIVAL, Rival, compare_with, program, verdict
from shelfwise.pipeline.settings import PipelineConfig
from shelfwise.ranking.fused import FusedRanker
from shelfwise.ranking.outlook import Outlook
from shelfwise.store.bundles import (
    BundleWriter,
    current_version,
    open_bundle,
    pinned_version,
    promote,
    save_state,
    version_name,
)
from shelfwise.store.event_log import EventLog
from shelfwise.store.log_tables import erasures, events_table, product_changes
from shelfwise.store.tables import ShopTables

KEPT_EVENTS = 500
"""Latest events of each known shopper that a bundle carries, so that serving knows them."""


@dataclass(frozen=True)
class Trained:
    """What a shop's training gave, before it is stored."""

    data: Dataset
    fitted: Fitted
    ranker: FusedRanker
    outlook: Outlook
    """The chances of a click and of a purchase."""
    protocol: str
    """How the fusion was learnt: temporal or leave-one-out."""
    n_requests: int
    """Validation requests the fusion was learnt from and compared on."""
    plan: Plan
    """Which models these are, and why."""
    against: Paired | Unpaired
    """The version that answers now, on requests that neither had learnt from."""


@dataclass(frozen=True)
class Published:
    """A stored version, and whether it is the one that answers now."""

    version: str
    promoted: bool
    says: str
    """Why it was or was not promoted, in a sentence."""


def train(
    data: Dataset,
    config: PipelineConfig,
    progress: Progress,
    *,
    rival: Rival | Unpaired = NO_RIVAL,
) -> Trained:
    """The models of everything in `data`, fused as the latest held-back requests prefer.

    `rival` is what answers now, to be compared with; `Unpaired` where there is none.
    """
    if len(data.events) == 0:
        raise NotEnoughDataError(
            "The shop has no event that shows interest in a product.",
            remedy="Run: shelfwise ingest SHOP --events FILE",
        )
    config, plan = planned(data, config)
    progress(f"choosing models: {plan.says()}", 1, 1)
    ranker, outlook, split, against = _fusion(data, config, progress, rival)
    fitted = fit_models(data, config, progress)
    protocol = "none" if split is None else split.protocol
    n = 0 if split is None else len(split)
    return Trained(data, fitted, ranker, outlook, protocol, n, plan, against)


def _fusion(
    data: Dataset, config: PipelineConfig, progress: Progress, rival: Rival | Unpaired
) -> tuple[FusedRanker, Outlook, Split | None, Paired | Unpaired]:
    try:
        split = validation_split(data, config)
    except NotEnoughDataError:
        # Too few shoppers to hold anything back: fuse by rank, which needs no learning.
        early = fit_models(data, config, progress, label="first look")
        nothing = Unpaired("nothing could be held out")
        return unlearnt_fusion(early, config), Outlook(), None, nothing
    early = fit_models(split.train, config, progress, label="before validation")
    learnt = learn_choice(early, split, config, progress)
    outlook = learn_outlook(data, early, split, learnt, config, progress)
    against = compare_with(rival, data, early, split, learnt, config, progress)
    return learnt.choice.ranker, outlook, split, against


def shop_dataset(
    tables: ShopTables, log: EventLog, offset: int, *, until_ms: int | None = None, seed: int = 0
) -> Dataset:
    """What was ingested and what the log holds up to `offset`, as one dataset."""
    return load_dataset(
        tables,
        extra_events=events_table(log, 0, offset),
        extra_products=products_to_table(product_changes(log, 0, offset).put),
        until_ms=until_ms,
        seed=seed,
    )


def train_shop(
    root: Path,
    tables: ShopTables,
    log: EventLog,
    config: PipelineConfig,
    progress: Progress,
    *,
    now_ms: int,
    until_ms: int | None = None,
) -> Published:
    """The shop whose data are `tables` and `log`, trained and stored under `root` (`models/`)."""
    offset = log.last_offset()
    erased = erasures(log, 0, offset)
    erase_stored(tables, erased)
    data = shop_dataset(tables, log, offset, until_ms=until_ms, seed=config.train.seed)
    removed = product_changes(log, 0, offset).deleted
    meta = {"data": tables.fingerprint(), "log_offset": offset, "removed": list(removed)}
    rival = _rival(root, log, config)
    trained = train(data, config, progress, rival=rival)
    published = publish(trained, root, config, now_ms=now_ms, meta=meta)
    drop_old_bundles(root, erased)
    return published


def publish(
    trained: Trained, root: Path, config: PipelineConfig, *, now_ms: int, meta: dict[str, Any]
) -> Published:
    """The trained shop as a bundle under `root` (`models/`), current if `verdict` says so.

    `meta` is stored with it: the data's fingerprint, the log offset it was trained up to.
    """
    content = hashlib.sha256(
        repr((now_ms, meta, config.model_dump(), len(trained.data.events))).encode()
    ).hexdigest()
    version = version_name(now_ms, content)
    parent = current_version(root)
    found = verdict(
        parent,
        pinned=pinned_version(root) is not None,
        how=config.train.promote,
        tried=trained.against,
        own=(served_ndcg(msgspec.to_builtins(trained.ranker.report)), _held_out(root)),
    )
    account = meta | {
        "made_by": program(),
        "parent": parent,
        "promotion": msgspec.to_builtins(found),
    }
    with BundleWriter(root, version) as writer:
        _write(writer, trained, config, account)
        writer.publish()
    if found.promoted:
        promote(root, version)
    return Published(version, found.promoted, found.says)


def _write(
    writer: BundleWriter, trained: Trained, config: PipelineConfig, meta: dict[str, Any]
) -> None:
    data, fitted = trained.data, trained.fitted
    weights = fitted.event_weights
    for name, model in fitted.models.items():
        save_state(writer, f"model-{name}", model.state())
    save_state(writer, "ranker", trained.ranker.state())
    save_state(writer, "outlook", trained.outlook.state())
    save_state(writer, "tables", fitted.tables.state())
    save_state(writer, "seen", fitted.seen.state())
    known = np.flatnonzero(~data.anonymous).astype(np.int32)
    history = latest(Histories.of_users(data, known), KEPT_EVENTS)
    writer.arrays(
        "histories",
        {
            "indptr": history.indptr,
            "item": history.item,
            "type": history.type,
            "time_ms": history.time_ms,
        },
    )
    writer.json("users", [data.users.ids[code] for code in known])
    writer.table("products", data.products)
    writer.arrays("popular", {"first": fitted.popular_first})
    writer.json(
        "about",
        meta
        | {
            "models": list(fitted.models),
            "plan": trained.plan.to_dict(),
            "features": list(RANKING_FEATURES),
            "fit_seconds": fitted.seconds,
            "learnt_event_weights": weights and weights.model_dump(),
            "config": config.model_dump(mode="json"),
            "protocol": trained.protocol,
            "requests": trained.n_requests,
            "events": len(data.events),
            "items": data.n_items,
            "shoppers": int((~data.anonymous).sum()),
            "last_event_ms": int(data.events.time_ms[-1]),
            "fusion": msgspec.to_builtins(trained.ranker.report),
            "probabilities": msgspec.to_builtins(trained.outlook.reports),
        },
    )


def latest(history: Histories, n: int) -> Histories:
    """The last `n` events of each shopper."""
    lengths = np.minimum(history.lengths(), n)
    indptr = np.zeros(len(history) + 1, np.int64)
    np.cumsum(lengths, out=indptr[1:])
    offset = np.repeat(history.indptr[1:] - lengths - indptr[:-1], lengths)
    where = np.arange(indptr[-1]) + offset
    return Histories(indptr, history.item[where], history.type[where], history.time_ms[where])


def _rival(root: Path, log: EventLog, config: PipelineConfig) -> Rival | Unpaired:
    """The version that answers now, ready to be asked."""
    if current_version(root) is None or config.train.promote == "always":
        return NO_RIVAL
    try:
        bundle = open_bundle(root)
        live = load_live(bundle, log, config, events=False)
    except ShelfwiseError as error:
        return Unpaired(f"it cannot be opened ({error.message.rstrip('.')})")
    return Rival.of(live, bundle.json("about"), config)


def _held_out(root: Path) -> float | None:
    """Held-out NDCG of the current version, of its own requests; None: not known."""
    if current_version(root) is None:
        return None
    try:
        return served_ndcg(open_bundle(root).json("about")["fusion"])
    except ShelfwiseError:
        return None


def served_ndcg(fusion: Mapping[str, Any]) -> float | None:
    """Held-out NDCG of what was chosen, from a stored fusion report; None: nothing was compared."""
    known: dict[str, float] = {**fusion["ndcg_single"], **fusion["ndcg"]}
    return known.get(fusion["chosen"])
