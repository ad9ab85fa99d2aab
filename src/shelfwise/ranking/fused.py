"""The ranker that is served: one of several kinds, with the evidence for choosing it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from shelfwise.core.errors import BadInputError
from shelfwise.core.model import ModelState
from shelfwise.ranking.blend import Blend
from shelfwise.ranking.boosting import BoostedRanker
from shelfwise.ranking.linear import LinearRanker
from shelfwise.ranking.network import FusionNetwork
from shelfwise.ranking.random_forest import RandomForest
from shelfwise.ranking.rrf import RankFusion
from shelfwise.ranking.single import SingleSource

Kind = Literal[
    "single", "rrf", "logistic", "linear", "forest", "boosted", "catboost", "network", "blend"
]
_Stored = LinearRanker | RandomForest | BoostedRanker | FusionNetwork | Blend
Ranker = SingleSource | RankFusion | _Stored
"""The others than `_Stored` are a few numbers, without arrays."""


@dataclass(frozen=True)
class Compared:
    """One alternative against the best simpler one, on the same held-out requests."""

    kind: str
    over: str
    """The best simpler one: a kind, or the name of the best source."""
    difference: float
    """In held-out NDCG."""
    certainty: float
    """Share of bootstrap samples in which it is better."""
    taken: bool
    """Whether it was surely enough better to take the place."""


@dataclass(frozen=True)
class FusionReport:
    """What was compared on requests that no alternative had learnt from, and what was chosen."""

    k: int
    """Length of the lists compared; all NDCGs are at this."""
    requests: int
    """Requests with anything relevant: those the NDCGs are means over."""
    learnable: int
    """Requests among them for which some source proposed a relevant item."""
    held_out: int
    """Requests the alternatives were compared on, each by rankers that had not seen it."""
    chosen: str
    """Name of the alternative that is served."""
    best_single: str
    """The best source alone."""
    beats_single: bool
    """Is the chosen one a fusion that is better than the best source alone?"""
    says: str
    """The choice in a sentence."""
    ndcg: dict[str, float] = field(default_factory=dict)
    """Held-out NDCG of each alternative."""
    ndcg_single: dict[str, float] = field(default_factory=dict)
    """Held-out NDCG of each source alone."""
    ceiling: float = 0.0
    """Held-out NDCG of a perfect order of the same candidates."""
    difference: float = 0.0
    """Held-out NDCG of the chosen alternative less that of the best source alone."""
    difference_ci95: tuple[float, float] = (0.0, 0.0)
    """Paired bootstrap interval of the difference."""
    lift: float = 0.0
    """The difference as a share of the best single source's NDCG."""
    weights: dict[str, float] = field(default_factory=dict)
    """Linear weight of each standardised feature."""
    without_source: dict[str, float] = field(default_factory=dict)
    """What a ranker's held-out NDCG loses without each source."""
    without_source_ci95: dict[str, tuple[float, float]] = field(default_factory=dict)
    """Paired bootstrap interval of each loss."""
    without_source_of: str = "linear"
    """The kind of ranker that was fitted anew without each source."""
    compared: tuple[Compared, ...] = ()
    """How the choice was made, in the order of complexity."""
    influence: dict[str, float] = field(default_factory=dict)
    """Mean share that each source gives to the served score of the first `k` rows."""
    correlation: dict[str, dict[str, float]] = field(default_factory=dict)
    """How alike two sources score the candidates of a request that both score: Pearson's r of
    their standard scores, over all requests."""
    fit_seconds: dict[str, float] = field(default_factory=dict, compare=False)
    """Processor time that fitting each alternative took in the comparison."""


@dataclass(frozen=True)
class FusedRanker:
    """Scores rows of features; frozen, and safe to use from several threads."""

    kind: Kind
    names: tuple[str, ...]
    """The features it reads, in this order."""
    source_columns: dict[str, tuple[int, ...]]
    ranker: Ranker
    report: FusionReport

    @property
    def sources(self) -> tuple[str, ...]:
        """The sources that `source_shares` has a column for."""
        return tuple(self.source_columns)

    def score(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """[n_rows] comparable within a request, higher is better, finite, whatever the batch."""
        return self.ranker.score(features)

    def source_shares(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """[n_rows, n_sources] how much of each row's score each source gave; rows sum to 1.

        Only what speaks for a row counts, and only from sources that propose or score it. A row no
        source proposes or scores is all 0.
        """
        by_rank = rank_fusion(self.names, self.sources).shares(features)
        gain = self._gain(features, by_rank)
        spoken = gain.sum(axis=1, keepdims=True) > 0
        gain = np.where(spoken, gain, by_rank)
        total = gain.sum(axis=1, keepdims=True)
        shares: NDArray[np.float32] = (gain / np.where(total > 0, total, 1)).astype(np.float32)
        return shares

    def _gain(
        self, features: NDArray[np.float32], by_rank: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """What speaks for each row, by source, not below 0."""
        if isinstance(self.ranker, RankFusion):
            return by_rank
        scored = features.take(_role(self.names, self.sources, "scored"), axis=1) > 0
        if isinstance(self.ranker, SingleSource):
            only = np.array(_role(self.names, self.sources, "z")) == self.ranker.z
            own: NDArray[np.bool_] = scored & only
            return own.astype(np.float32)
        amount = self.ranker.contributions(features)
        gain = np.zeros(by_rank.shape, np.float32)
        for s, columns in enumerate(self.source_columns.values()):
            gain[:, s] = amount.take(columns, axis=1).sum(axis=1)
        gain[(gain < 0) | ~(scored | (by_rank > 0))] = 0
        return gain

    def state(self) -> ModelState:
        """The ranker and its report as plain data."""
        inner = _inner_state(self.ranker)
        settings = {
            "kind": self.kind,
            "names": list(self.names),
            "source_columns": {name: list(at) for name, at in self.source_columns.items()},
            "report": msgspec.to_builtins(self.report),
            "ranker": inner.settings,
        }
        return ModelState(settings, inner.arrays)

    @classmethod
    def from_state(cls, state: ModelState) -> FusedRanker:
        """The ranker that `state` was taken from; its scores are identical."""
        settings = state.settings
        return cls(
            kind=settings["kind"],
            names=tuple(settings["names"]),
            source_columns={n: tuple(at) for n, at in settings["source_columns"].items()},
            ranker=_of_state(settings["kind"], ModelState(settings["ranker"], state.arrays)),
            report=msgspec.convert(settings["report"], FusionReport),
        )


def rank_fusion(names: Sequence[str], sources: Sequence[str]) -> RankFusion:
    """Unweighted fusion of these sources by the ranks among the features."""
    return RankFusion.of(_role(names, sources, "reciprocal_rank"))


def single_sources(names: Sequence[str], sources: Sequence[str]) -> dict[str, SingleSource]:
    """For each source, the ranker that trusts it alone."""
    rrf = _column(names, "sources.rrf")
    columns = _role(names, sources, "z")
    return {name: SingleSource(z, rrf) for name, z in zip(sources, columns, strict=True)}


def check_columns(names: Sequence[str], source_columns: Mapping[str, Sequence[int]]) -> None:
    """Raises `BadInputError` where a source's column lies beyond the features."""
    for source, columns in source_columns.items():
        if any(not 0 <= at < len(names) for at in columns):
            raise BadInputError(
                f"Source {source!r} names the columns {list(columns)} of {len(names)} features.",
                remedy="Take them from shelfwise.ranking.source_columns.",
            )


def _role(names: Sequence[str], sources: Sequence[str], role: str) -> list[int]:
    return [_column(names, f"{source}.{role}") for source in sources]


def _column(names: Sequence[str], name: str) -> int:
    try:
        return names.index(name)
    except ValueError:
        raise BadInputError(
            f"The features lack the column {name!r}.",
            remedy="Put the columns of shelfwise.ranking.source_features among them.",
        ) from None


def _inner_state(ranker: Ranker) -> ModelState:
    if isinstance(ranker, _Stored):
        return ranker.state()
    return ModelState(msgspec.to_builtins(ranker), {})


def _of_state(kind: Kind, state: ModelState) -> Ranker:
    plain: dict[str, Any] = state.settings
    if kind == "single":
        return msgspec.convert(plain, SingleSource)
    if kind == "rrf":
        return msgspec.convert(plain, RankFusion)
    classes: dict[Kind, type[_Stored]] = {
        "logistic": LinearRanker,
        "linear": LinearRanker,
        "forest": RandomForest,
        "network": FusionNetwork,
        "blend": Blend,
    }
    return classes.get(kind, BoostedRanker).from_state(state)
