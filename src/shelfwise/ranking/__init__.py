"""Model fusion: from what each source says of a candidate to one score, with the evidence for it.

Knows arrays of features and relevance, and not where candidates came from.
"""

from shelfwise.ranking.boosting import BoostedRanker, BoostingConfig
from shelfwise.ranking.choice import choose_ranker
from shelfwise.ranking.fused import FusedRanker, FusionReport
from shelfwise.ranking.fusion_config import FusionConfig
from shelfwise.ranking.linear import LinearConfig, LinearRanker
from shelfwise.ranking.rrf import RankFusion
from shelfwise.ranking.source_features import source_columns, source_features

__all__ = [
    "BoostedRanker",
    "BoostingConfig",
    "FusedRanker",
    "FusionConfig",
    "FusionReport",
    "LinearConfig",
    "LinearRanker",
    "RankFusion",
    "choose_ranker",
    "source_columns",
    "source_features",
]
