"""Opens a stored model version and brings it up to date with the log."""

from __future__ import annotations

from shelfwise.core.errors import StorageError
from shelfwise.core.requests import Histories
from shelfwise.features.tables import FeatureTables
from shelfwise.features.vectors import RANKING_FEATURES
from shelfwise.pipeline.engine import Engine
from shelfwise.pipeline.live import LiveShop
from shelfwise.pipeline.settings import RecommendConfig
from shelfwise.pipeline.shoppers import Shoppers
from shelfwise.ranking.fused import FusedRanker
from shelfwise.rerank.seen import SeenPolicy
from shelfwise.retrieval import MODELS
from shelfwise.store.bundles import Bundle, load_state
from shelfwise.store.event_log import EventLog
from shelfwise.store.log_record import Deletion, Record


def load_live(bundle: Bundle, log: EventLog, config: RecommendConfig) -> LiveShop:
    """The shop as the bundle knows it, plus everything logged since it was trained."""
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
        live.apply([record for record in records if record.offset <= offset])
    return live


def load_engine(bundle: Bundle, config: RecommendConfig) -> Engine:
    """The engine that was stored, answering as `config` says now."""
    try:
        return _engine(bundle, config)
    except (KeyError, TypeError, ValueError) as error:
        raise StorageError(
            f"Model version {bundle.version} was made by another version of Shelfwise"
            f" ({str(error).splitlines()[0]}).",
            remedy=f"Run: shelfwise train {bundle.folder.parent.parent}",
        ) from None


def _engine(bundle: Bundle, config: RecommendConfig) -> Engine:
    about = bundle.json("about")
    if about.get("features") != list(RANKING_FEATURES):
        raise ValueError("other features")
    popular = bundle.arrays("popular")["first"]
    classes = {name: model for name, model, _ in MODELS}
    return Engine(
        models={
            name: classes[name].from_state(load_state(bundle, f"model-{name}"))
            for name in about["models"]
        },
        tables=FeatureTables.from_state(load_state(bundle, "tables")),
        ranker=FusedRanker.from_state(load_state(bundle, "ranker")),
        seen=SeenPolicy.from_state(load_state(bundle, "seen")),
        config=config,
        n_items=len(popular),
        order_of_last_resort=popular,
    )


def load_shoppers(bundle: Bundle) -> Shoppers:
    """The past of every known shopper."""
    past = bundle.arrays("histories")
    return Shoppers(
        bundle.json("users"),
        Histories(past["indptr"], past["item"], past["type"], past["time_ms"]),
    )
