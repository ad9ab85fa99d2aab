"""Every alternative measured on requests that it has not learnt from."""

from __future__ import annotations

import time
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from shelfwise.core.extras import installed
from shelfwise.ranking.alternatives import COMPLEXITY, NEED_MANY, Lesson, fit_alternative
from shelfwise.ranking.blend import Blend
from shelfwise.ranking.boosting import BoostedRanker
from shelfwise.ranking.fused import Kind, Ranker, rank_fusion, single_sources
from shelfwise.ranking.fusion_config import FusionConfig
from shelfwise.ranking.judged import JudgedLists, ndcg, thin
from shelfwise.ranking.linear import LinearRanker
from shelfwise.ranking.network import FusionNetwork
from shelfwise.ranking.source_features import without_source

_STOP_SHARE = 0.15
_HELD_SHARE = 0.2


@dataclass(frozen=True)
class Trial:
    """NDCG of each request by each alternative; 0 for requests with nothing relevant proposed."""

    held_out: NDArray[np.bool_]
    """[n_requests] requests that the alternatives can be compared on."""
    ndcg: dict[Kind, NDArray[np.float64]]
    """By kind; meaningful where held out."""
    singles: dict[str, NDArray[np.float64]]
    """By source, for every request: a source alone learns nothing here."""
    without: dict[str, NDArray[np.float64]]
    """By source, the ranker `drop_one` fitted without it; meaningful where held out."""
    drop_one: Kind
    ceiling: NDArray[np.float64]
    """A perfect order of the same candidates, for every request."""
    weights: dict[str, float]
    """Linear weights fitted in the first fold."""
    n_trees: dict[Kind, int]
    """Middle of the numbers of trees, or epochs of a network, at which the folds stopped."""
    rankers: tuple[tuple[NDArray[np.bool_], dict[Kind, Ranker]], ...]
    """Per fold: the requests held out, and the rankers that had not seen them."""
    seconds: dict[Kind, float]
    """Processor time of fitting, all folds together."""

    def mean_single(self, source: str) -> float:
        """Mean NDCG of one source alone over all requests."""
        return float(self.singles[source].mean())


@dataclass(frozen=True)
class _Fold:
    fit: NDArray[np.bool_]
    stop: NDArray[np.bool_]
    held: NDArray[np.bool_]


@dataclass
class _Notes:
    """What the folds add up to."""

    held_out: NDArray[np.bool_]
    ndcg: dict[Kind, NDArray[np.float64]] = field(default_factory=dict)
    without: dict[str, NDArray[np.float64]] = field(default_factory=dict)
    n_trees: dict[Kind, list[int]] = field(default_factory=dict)
    rankers: list[tuple[NDArray[np.bool_], dict[Kind, Ranker]]] = field(default_factory=list)
    seconds: dict[Kind, float] = field(default_factory=dict)


def run_trial(
    lists: JudgedLists, sources: Sequence[str], config: FusionConfig, rng: np.random.Generator
) -> Trial:
    """Each alternative fitted and measured, fold by fold."""
    kinds = _kinds(lists, config)
    drop_one: Kind = config.drop_one if config.drop_one in kinds else "linear"
    notes = _Notes(np.zeros(len(lists), np.bool_))
    for fold in _folds(lists, config, rng):
        notes.held_out |= fold.held & lists.judged()
        lesson = lesson_of(lists, fold.fit, config, rng)
        lesson = replace(lesson, stop=lists.take(fold.stop & lists.learnable()))
        _try_all(lists, fold, lesson, sources, kinds, config, int(rng.integers(2**31)), notes)
        if len(sources) > 1 and config.drop_one != "none":
            _drop_each(lists, fold, lesson, sources, drop_one, config, notes)
    return Trial(
        held_out=notes.held_out,
        ndcg=notes.ndcg,
        singles={
            name: _measure(lists, single.opinions(lists.features), config)
            for name, single in single_sources(lists.names, sources).items()
        },
        without=notes.without,
        drop_one=drop_one,
        ceiling=_measure(lists, lists.relevance, config),
        weights=_first_linear(notes),
        n_trees={kind: int(np.median(found)) for kind, found in notes.n_trees.items()},
        rankers=tuple(notes.rankers),
        seconds=notes.seconds,
    )


def _kinds(lists: JudgedLists, config: FusionConfig) -> tuple[Kind, ...]:
    """The alternatives to try here; `linear` is always one, since trees are grown on it.

    A network is left out where torch is not installed.
    """
    many = enough_for_trees(lists, config)
    return tuple(
        kind
        for kind in COMPLEXITY
        if (kind in config.rankers or kind == "linear")
        and (many or kind not in NEED_MANY)
        and (kind != "network" or installed("torch"))
    )


def _try_all(
    lists: JudgedLists,
    fold: _Fold,
    lesson: Lesson,
    sources: Sequence[str],
    kinds: Sequence[Kind],
    config: FusionConfig,
    seed: int,
    notes: _Notes,
) -> None:
    where = fold.held & lists.found()
    test = lists.take(where)
    rankers: dict[Kind, Ranker] = {}
    for kind in kinds:
        start = time.process_time()
        if kind == "rrf":
            rankers[kind] = rank_fusion(lists.names, sources)
        else:
            # each kind draws for itself, so that trying one more does not change the others
            own = np.random.default_rng([seed, zlib.crc32(kind.encode())])
            rankers[kind] = fit_alternative(kind, lesson, config, own)
        took = time.process_time() - start
        notes.seconds[kind] = notes.seconds.get(kind, 0.0) + took
        ranker = rankers[kind]
        if isinstance(ranker, BoostedRanker | Blend):
            notes.n_trees.setdefault(kind, []).append(ranker.n_trees)
        elif isinstance(ranker, FusionNetwork):
            notes.n_trees.setdefault(kind, []).append(ranker.best_epoch)
        reached = notes.ndcg.setdefault(kind, np.zeros(len(lists)))
        reached[where] = _measure(test, ranker.score(test.features), config)
    notes.rankers.append((fold.held, rankers))


def _drop_each(
    lists: JudgedLists,
    fold: _Fold,
    lesson: Lesson,
    sources: Sequence[str],
    kind: Kind,
    config: FusionConfig,
    notes: _Notes,
) -> None:
    where = fold.held & lists.found()
    test = lists.take(where)
    for source in sources:
        reached = notes.without.setdefault(source, np.zeros(len(lists)))
        reached[where] = _drop_one(lesson, test, (source, sources), kind, config)


def _first_linear(notes: _Notes) -> dict[str, float]:
    ranker = notes.rankers[0][1]["linear"]
    return ranker.named_weights() if isinstance(ranker, LinearRanker) else {}


def enough_for_trees(lists: JudgedLists, config: FusionConfig) -> bool:
    """Whether there are `config.min_requests` learnable requests."""
    return int(lists.learnable().sum()) >= config.min_requests


def lesson_of(
    lists: JudgedLists, requests: NDArray[np.bool_], config: FusionConfig, rng: np.random.Generator
) -> Lesson:
    """The thinned lists to learn from, and the linear ranker learnt from them."""
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
    return Lesson(fit, LinearRanker.fit_lists(fit, settings))


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
    lesson: Lesson,
    test: JudgedLists,
    source_of: tuple[str, Sequence[str]],
    kind: Kind,
    config: FusionConfig,
) -> NDArray[np.float64]:
    """NDCG of `test` by a ranker learnt from and used on answers that lack one source."""
    source, sources = source_of
    fit = _blinded(lesson.lists, source, sources)
    blind = Lesson(
        fit,
        LinearRanker.fit_lists(fit, config.linear, lesson.linear),
        None if lesson.stop is None else _blinded(lesson.stop, source, sources),
    )
    ranker: Ranker = rank_fusion(fit.names, sources)
    if kind != "rrf":
        ranker = fit_alternative(kind, blind, config, np.random.default_rng(0))
    lists = _blinded(test, source, sources)
    proposed = lists.features[:, lists.names.index("sources.proposing")] > 0
    scores = np.where(proposed, ranker.score(lists.features), np.float32(np.nan))
    return _measure(test, scores, config)


def _blinded(lists: JudgedLists, source: str, sources: Sequence[str]) -> JudgedLists:
    return replace(lists, features=without_source(lists.features, lists.names, source, sources))
