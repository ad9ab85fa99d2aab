"""Every alternative measured on requests that it has not learnt from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from shelfwise.ranking.boosting import BoostedRanker
from shelfwise.ranking.fused import rank_fusion, single_sources
from shelfwise.ranking.fusion_config import FusionConfig
from shelfwise.ranking.judged import JudgedLists, ndcg, thin
from shelfwise.ranking.linear import LinearRanker
from shelfwise.ranking.source_features import without_source

_STOP_SHARE = 0.15
_HELD_SHARE = 0.2


@dataclass(frozen=True)
class Trial:
    """NDCG of each request by each alternative; 0 for requests with nothing relevant proposed."""

    held_out: NDArray[np.bool_]
    """[n_requests] requests that the alternatives can be compared on."""
    ndcg: dict[str, NDArray[np.float64]]
    """By kind; meaningful where held out."""
    singles: dict[str, NDArray[np.float64]]
    """By source, for every request: a source alone learns nothing here."""
    without: dict[str, NDArray[np.float64]]
    """By source, the linear ranker fitted without it; meaningful where held out."""
    ceiling: NDArray[np.float64]
    """A perfect order of the same candidates, for every request."""
    weights: dict[str, float]
    """Linear weights fitted in the first fold."""
    n_trees: int
    """Middle of the numbers of trees at which the folds stopped."""

    def mean_single(self, source: str) -> float:
        """Mean NDCG of one source alone over all requests."""
        return float(self.singles[source].mean())


@dataclass(frozen=True)
class _Fold:
    fit: NDArray[np.bool_]
    stop: NDArray[np.bool_]
    held: NDArray[np.bool_]


def run_trial(
    lists: JudgedLists, sources: Sequence[str], config: FusionConfig, rng: np.random.Generator
) -> Trial:
    """Each alternative fitted and measured, fold by fold."""
    n = len(lists)
    several = len(sources) > 1
    held_out = np.zeros(n, np.bool_)
    ndcgs: dict[str, NDArray[np.float64]] = {}
    without: dict[str, NDArray[np.float64]] = {}
    weights: dict[str, float] = {}
    n_trees: list[int] = []
    for fold in _folds(lists, config, rng):
        held_out |= fold.held & lists.judged()
        where = np.flatnonzero(fold.held & lists.found())
        test = lists.take(fold.held & lists.found())
        fit, linear = train_linear(lists, fold.fit, config, rng)
        scorers = {"rrf": rank_fusion(lists.names, sources).score, "linear": linear.score}
        if enough_for_trees(lists, config):
            stop = lists.take(fold.stop & lists.learnable())
            boosted = train_boosted(fit, linear, config, rng, stop=stop)
            n_trees.append(boosted.n_trees)
            scorers["boosted"] = boosted.score
        for kind, score in scorers.items():
            ndcgs.setdefault(kind, np.zeros(n))[where] = _measure(
                test, score(test.features), config
            )
        for source in sources if several else ():
            reached = _drop_one(fit, test, (source, sources), linear, config)
            without.setdefault(source, np.zeros(n))[where] = reached
        weights = weights or linear.named_weights()
    return Trial(
        held_out=held_out,
        ndcg=ndcgs,
        singles={
            name: _measure(lists, single.opinions(lists.features), config)
            for name, single in single_sources(lists.names, sources).items()
        },
        without=without,
        ceiling=_measure(lists, lists.relevance, config),
        weights=weights,
        n_trees=int(np.median(n_trees)) if n_trees else 0,
    )


def enough_for_trees(lists: JudgedLists, config: FusionConfig) -> bool:
    """Whether there are `config.min_requests` learnable requests."""
    return int(lists.learnable().sum()) >= config.min_requests


def train_linear(
    lists: JudgedLists, requests: NDArray[np.bool_], config: FusionConfig, rng: np.random.Generator
) -> tuple[JudgedLists, LinearRanker]:
    """The thinned lists learnt from, and the linear ranker learnt from them."""
    chosen = np.flatnonzero(requests & lists.learnable())
    if len(chosen) > config.max_fit_requests:
        chosen = rng.choice(chosen, config.max_fit_requests, replace=False)
    mask = np.zeros(len(lists), np.bool_)
    mask[chosen] = True
    guide = lists.features[:, lists.names.index("sources.rrf")]
    fit = thin(lists, mask, guide, config.hard_negatives, config.random_negatives, rng)
    settings = config.linear
    if not enough_for_trees(lists, config):
        settings = settings.model_copy(update={"l2": settings.l2 * config.shrink})
    return fit, LinearRanker.fit_lists(fit, settings)


def train_boosted(
    fit: JudgedLists,
    linear: LinearRanker,
    config: FusionConfig,
    rng: np.random.Generator,
    *,
    stop: JudgedLists | None = None,
    n_trees: int | None = None,
) -> BoostedRanker:
    """Trees on top of `linear`: `n_trees`, or as many as serve the `stop` lists best."""
    settings = config.boosting
    if n_trees is not None:
        settings = settings.model_copy(update={"trees": n_trees})
    return BoostedRanker.fit_lists(fit, linear, settings, rng, stop)


def _folds(lists: JudgedLists, config: FusionConfig, rng: np.random.Generator) -> Iterator[_Fold]:
    """Splits by a seeded hash of the request's place: each request is held out at most once."""
    place = _hashed_share(len(lists), rng)
    stopping = _hashed_share(len(lists), rng) < _STOP_SHARE
    if int(lists.learnable().sum()) >= config.one_split_from:
        parts = [place < _HELD_SHARE]
    else:
        parts = [np.floor(place * config.folds) == fold for fold in range(config.folds)]
    for held in parts:
        yield _Fold(fit=~held & ~stopping, stop=~held & stopping, held=held)


def _hashed_share(n: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """[n] evenly spread in 0 … 1: the finaliser of SplitMix64 of the place and a salt."""
    x = np.arange(n, dtype=np.uint64) + rng.integers(0, 2**63, dtype=np.uint64)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    x ^= x >> np.uint64(31)
    return (x >> np.uint64(11)).astype(np.float64) / 2.0**53


def _measure(
    lists: JudgedLists, scores: NDArray[np.float32], config: FusionConfig
) -> NDArray[np.float64]:
    return ndcg(scores, lists.indptr, lists.relevance, lists.n_relevant, config.k)


def _drop_one(
    fit: JudgedLists,
    test: JudgedLists,
    source_of: tuple[str, Sequence[str]],
    linear: LinearRanker,
    config: FusionConfig,
) -> NDArray[np.float64]:
    """NDCG of `test` by a linear ranker learnt from and used on answers that lack one source."""
    source, sources = source_of
    blind = LinearRanker.fit_lists(_blinded(fit, source, sources), config.linear, linear)
    lists = _blinded(test, source, sources)
    proposed = lists.features[:, lists.names.index("sources.proposing")] > 0
    scores = np.where(proposed, blind.score(lists.features), np.float32(np.nan))
    return _measure(test, scores, config)


def _blinded(lists: JudgedLists, source: str, sources: Sequence[str]) -> JudgedLists:
    return replace(lists, features=without_source(lists.features, lists.names, source, sources))
