"""Opens a stored model version and brings it up to date with the log."""

from __future__ import annotations

import logging
from typing import Final

from shelfwise.core.errors import ShelfwiseError, StorageError
from shelfwise.core.event import Event
from shelfwise.core.model import Model
from shelfwise.core.requests import Histories
from shelfwise.features.tables import FeatureTables
from shelfwise.features.vectors import RANKING_FEATURES
from shelfwise.features.worth import Worth
from shelfwise.pipeline.absent import Absent
from shelfwise.pipeline.engine import Engine
from shelfwise.pipeline.live import LiveShop
from shelfwise.pipeline.settings import PipelineConfig
from shelfwise.pipeline.shoppers import Shoppers
from shelfwise.ranking.fused import FusedRanker
from shelfwise.ranking.outlook import Outlook
from shelfwise.rerank.seen import SeenPolicy
from shelfwise.retrieval import MODELS
from shelfwise.store.bundles import Bundle, load_state
from shelfwise.store.event_log import EventLog
from shelfwise.store.log_record import Deletion, Record

_LOG: Final = logging.getLogger(__name__)


def load_live(
    bundle: Bundle, log: EventLog, config: PipelineConfig, *, events: bool = True
) -> LiveShop:
    """The shop as the bundle knows it, plus everything logged since it was trained.

    Without `events` only what became of products is taken in.
    """
    about = bundle.json("about")
    offset = log.last_offset()
    live = LiveShop(
        bundle.version,
        load_engine(bundle, config),
        bundle.table("products"),
        load_shoppers(bundle),
        offset,
        about["last_event_ms"],
    )
    live.apply([Record(0, "product_delete", Deletion(item_id)) for item_id in about["removed"]])
    for records in log.tail(about["log_offset"]):
        live.apply(
            [
                record
                for record in records
                if record.offset <= offset and (events or not isinstance(record.content, Event))
            ]
        )
    return live


def load_engine(bundle: Bundle, config: PipelineConfig) -> Engine:
    """The engine that was stored, answering as `config` says now."""
    try:
        return _engine(bundle, config)
    except (KeyError, TypeError, ValueError) as error:
        raise StorageError(
            f"Model version {bundle.version} was made by another version of Shelfwise"
            f" ({str(error).splitlines()[0]}).",
            remedy=f"Run: shelfwise train {bundle.folder.parent.parent}",
        ) from None


def _engine(bundle: Bundle, config: PipelineConfig) -> Engine:
    about = bundle.json("about")
    if about.get("features") != list(RANKING_FEATURES):
        raise ValueError("other features")
    popular = bundle.arrays("popular")["first"]
    return Engine(
        models=load_models(bundle, len(popular)),
        tables=FeatureTables.from_state(load_state(bundle, "tables")),
        ranker=FusedRanker.from_state(load_state(bundle, "ranker")),
        seen=SeenPolicy.from_state(load_state(bundle, "seen")),
        config=config.recommend,
        n_items=len(popular),
        order_of_last_resort=popular,
        worth=Worth.of(bundle.table("products")),
        outlook=Outlook.from_state(load_state(bundle, "outlook")),
        objective=config.objective,
    )


def load_models(bundle: Bundle, n_items: int) -> dict[str, Model]:
    """Every model of the bundle; one that cannot be read is `Absent`, and the log says so.

    Raises `StorageError` where none can be read.
    """
    classes = {name: model for name, model, _ in MODELS}
    models: dict[str, Model] = {}
    trouble: Exception | None = None
    for name in bundle.json("about")["models"]:
        try:
            models[name] = classes[name].from_state(load_state(bundle, f"model-{name}"))
        except (OSError, LookupError, TypeError, ValueError, ImportError, ShelfwiseError) as error:
            _LOG.warning(
                "Model %s of version %s cannot be read (%s); the others answer without it.",
                name,
                bundle.version,
                str(error).partition("\n")[0] or type(error).__name__,
            )
            models[name] = Absent(n_items)
            trouble = error
    if trouble is not None and all(isinstance(model, Absent) for model in models.values()):
        raise StorageError(
            f"No model of version {bundle.version} can be read: {trouble}",
            remedy=f"Run: shelfwise train {bundle.folder.parent.parent}",
        )
    return models


def load_shoppers(bundle: Bundle) -> Shoppers:
    """The past of every known shopper."""
    past = bundle.arrays("histories")
    return Shoppers(
        bundle.json("users"),
        Histories(past["indptr"], past["item"], past["type"], past["time_ms"]),
    )
