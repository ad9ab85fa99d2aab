"""Everything that answers, in one frozen value: fitted models, feature tables, ranker, policies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from shelfwise.core.model import Model
from shelfwise.features.tables import FeatureTables
from shelfwise.features.worth import Worth
from shelfwise.pipeline.settings import RecommendConfig
from shelfwise.ranking.fused import FusedRanker
from shelfwise.ranking.objective import ObjectiveConfig
from shelfwise.ranking.outlook import Outlook
from shelfwise.rerank.seen import SeenPolicy


@dataclass(frozen=True)
class Engine:
    """Answers batches of requests; see `pipeline.recommend`."""

    models: Mapping[str, Model]
    tables: FeatureTables
    ranker: FusedRanker
    seen: SeenPolicy
    config: RecommendConfig
    n_items: int
    """Products known now; may exceed what the models were fitted on."""
    order_of_last_resort: NDArray[np.int32]
    """Every item once, most popular first: what fills a slate when nothing else is left."""
    worth: Worth
    """What the sale of each product brings."""
    outlook: Outlook = field(default_factory=Outlook)
    """The chances of a click and of a purchase."""
    objective: ObjectiveConfig = field(default_factory=ObjectiveConfig)
    """What answers are for, by placement."""
