"""Answers a batch of requests: retrieve, compute features, rank, re-rank. Read this first."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numba import njit
from numpy.typing import NDArray

from shelfwise.core.candidates import Candidates
from shelfwise.core.ragged import Ragged
from shelfwise.core.requests import Requests
from shelfwise.features.pairs import feature_matrix
from shelfwise.features.tables import FeatureTables
from shelfwise.pipeline.engine import Engine
from shelfwise.pipeline.retrieve import retrieve
from shelfwise.ranking.objective import by_objective
from shelfwise.ranking.source_features import source_features
from shelfwise.rerank.diversity import diversify
from shelfwise.rerank.seen import Seen

SCORES_AT_ONCE: Final = 48_000_000
"""Model scores held in memory at a time, when a large batch is worked through in parts."""
_SCORES_IN_ALL: Final = 100_000_000_000
"""Model scores made at most to learn a fusion from: some minutes, however large the shop is."""
_ENOUGH: Final = 2000
"""Requests asked in any case."""


@dataclass(frozen=True)
class Ranked:
    """The chosen items of each request, best first; request `r` has rows `indptr[r]` and up."""

    indptr: NDArray[np.int64]
    item: NDArray[np.int32]
    score: NDArray[np.float32]
    """Comparable within a request."""
    source_score: NDArray[np.float32]
    """[n_rows, n_sources] what each model thinks; NaN: no opinion."""
    source_share: NDArray[np.float32]
    """[n_rows, n_sources] how much each model gave to the score; a filled-up row is all 0."""
    sources: tuple[str, ...]
    chances: dict[str, NDArray[np.float32]] = field(default_factory=dict)
    """By outcome (`click`, `purchase`), [n_rows] its probability; NaN: not known."""

    def part(self, request: int) -> Ranked:
        """The answer to one request alone."""
        rows = slice(self.indptr[request], self.indptr[request + 1])
        return Ranked(
            np.asarray([0, rows.stop - rows.start], np.int64),
            self.item[rows],
            self.score[rows],
            self.source_score[rows],
            self.source_share[rows],
            self.sources,
            {name: chance[rows] for name, chance in self.chances.items()},
        )

    def top(self, k: int) -> NDArray[np.int32]:
        """[n_requests, k] item codes, -1 where a request has fewer."""
        out = np.full((len(self.indptr) - 1, k), -1, np.int32)
        lengths = np.minimum(np.diff(self.indptr), k)
        place = np.arange(k)[None, :] < lengths[:, None]
        rows = (self.indptr[:-1, None] + np.arange(k))[place]
        out[place] = self.item[rows]
        return out


def recommend(
    engine: Engine, requests: Requests, *, seen: Seen = "auto", placement: str | None = None
) -> Ranked:
    """The best `requests.n` items of each request, never one it excludes or may not show.

    Best is what the objective of `placement` says.
    """
    hidden = engine.seen.hidden(requests.history, seen)
    per_source = max(engine.config.per_source, requests.n)
    candidates = retrieve(engine.models, requests, hidden, per_source, engine.n_items)
    features = ranking_features(engine.tables, requests, candidates)[1]
    scores = engine.ranker.score(features)
    indptr = candidates.indptr()
    chances = engine.outlook.chances(scores, indptr, features)
    scores = by_objective(
        engine.objective.aim(placement),
        scores,
        indptr,
        chances,
        engine.worth,
        candidates.item,
        max(engine.objective.candidates, requests.n),
    )
    chosen = _choose(engine, candidates, scores, requests.n)
    return _filled(
        engine,
        requests,
        hidden,
        Ranked(
            indptr=chosen.indptr,
            item=candidates.item[chosen.values],
            score=scores[chosen.values],
            source_score=candidates.score[chosen.values],
            source_share=engine.ranker.source_shares(features[chosen.values]),
            sources=candidates.sources,
            chances={name: chance[chosen.values] for name, chance in chances.items()},
        ),
    )


def recommend_top(
    engine: Engine, requests: Requests, k: int, *, seen: Seen = "auto"
) -> NDArray[np.int32]:
    """[n_requests, k] the items of a batch of any size, worked through in parts."""
    size = part_size(len(engine.models), engine.n_items)
    parts = [
        recommend(engine, requests.part(at, at + size), seen=seen).top(k)
        for at in range(0, len(requests), size)
    ]
    return np.concatenate(parts) if parts else np.empty((0, k), np.int32)


def part_size(n_models: int, n_items: int) -> int:
    """How many requests to answer at once, so that all scores fit in memory."""
    return max(1, min(1024, SCORES_AT_ONCE // max(1, n_models * n_items)))


def asked_at_most(n_models: int, n_items: int) -> int:
    """How many requests a fusion may be learnt from, so that asking them takes minutes."""
    return max(_ENOUGH, _SCORES_IN_ALL // max(1, n_models * n_items))


def ranking_features(
    tables: FeatureTables, requests: Requests, candidates: Candidates
) -> tuple[tuple[str, ...], NDArray[np.float32]]:
    """What the ranker reads of each candidate: the sources' opinions, then product and shopper."""
    source_names, by_source = source_features(candidates)
    names, columns = feature_matrix(tables, requests, candidates.request, candidates.item)
    return source_names + names, np.concatenate([by_source, columns], axis=1)


def _choose(engine: Engine, candidates: Candidates, scores: NDArray[np.float32], n: int) -> Ragged:
    """Per request the rows to show, in order."""
    indptr = candidates.indptr()
    pool = n if engine.config.diversity <= 0 else max(4 * n, 50)
    best = _best_rows(scores, candidates.item, indptr, pool)
    if engine.config.diversity <= 0:
        return best
    catalogue = engine.tables.catalogue
    groups = np.column_stack([catalogue.brand, catalogue.leaf])
    picked = []
    for row in range(len(best)):
        rows = best[row]
        of_row = groups[candidates.item[rows]]
        picked.append(rows[diversify(scores[rows], of_row, n, engine.config.diversity)])
    lengths = np.cumsum([0, *(len(rows) for rows in picked)], dtype=np.int64)
    return Ragged(lengths, np.concatenate(picked) if picked else np.empty(0, np.int32))


def _best_rows(
    scores: NDArray[np.float32], item: NDArray[np.int32], indptr: NDArray[np.int64], n: int
) -> Ragged:
    """Per request the rows of the `n` highest scores, best first; ties by the (random) code."""
    lengths = np.minimum(np.diff(indptr), n)
    out = np.zeros(len(indptr), np.int64)
    np.cumsum(lengths, out=out[1:])
    values = np.empty(out[-1], np.int32)
    _sort_rows(scores, item, indptr, out, values)
    return Ragged(out, values)


@njit(cache=True, nogil=True)
def _sort_rows(scores: Any, item: Any, indptr: Any, out: Any, values: Any) -> None:
    for r in range(len(indptr) - 1):
        start, stop = indptr[r], indptr[r + 1]
        by_item = np.argsort(item[start:stop])
        order = by_item[np.argsort(-scores[start:stop][by_item], kind="mergesort")]
        for place in range(out[r + 1] - out[r]):
            values[out[r] + place] = start + order[place]


def _filled(engine: Engine, requests: Requests, hidden: Ragged, ranked: Ranked) -> Ranked:
    """The answer with short slates filled up by the most popular products still allowed."""
    lengths = np.diff(ranked.indptr)
    if (lengths >= min(requests.n, engine.n_items)).all():
        return ranked
    rows, items = [], []
    for r in np.flatnonzero(lengths < requests.n).tolist():
        taken = np.zeros(engine.n_items, np.bool_)
        taken[ranked.item[ranked.indptr[r] : ranked.indptr[r + 1]]] = True
        taken[hidden[r]] = True
        taken[requests.exclude[r]] = True
        if requests.eligible is not None:
            taken |= ~requests.eligible[r if len(requests.eligible) > 1 else 0]
        free = engine.order_of_last_resort
        free = free[~taken[free]][: requests.n - lengths[r]]
        rows.append(np.full(len(free), r, np.int64))
        items.append(free)
    return _appended(ranked, np.concatenate(rows), np.concatenate(items))


def _appended(ranked: Ranked, row: NDArray[np.int64], item: NDArray[np.int32]) -> Ranked:
    """`ranked` with `item` put after what request `row` has, scored below it."""
    n_requests = len(ranked.indptr) - 1
    of_row = np.concatenate([np.repeat(np.arange(n_requests), np.diff(ranked.indptr)), row])
    order = np.argsort(of_row, kind="stable")
    floor = np.full(n_requests, 0.0, np.float32)
    np.minimum.at(floor, of_row[: len(ranked.item)], ranked.score)
    place = np.arange(len(row)) - np.searchsorted(row, row)
    below = floor[row] - 1 - place.astype(np.float32)
    n_sources = len(ranked.sources)
    indptr = np.zeros(n_requests + 1, np.int64)
    np.cumsum(np.bincount(of_row, minlength=n_requests), out=indptr[1:])
    blank = np.full((len(item), n_sources), np.nan, np.float32)
    return Ranked(
        indptr=indptr,
        item=np.concatenate([ranked.item, item])[order],
        score=np.concatenate([ranked.score, below])[order].astype(np.float32),
        source_score=np.concatenate([ranked.source_score, blank])[order],
        source_share=np.concatenate([ranked.source_share, np.zeros_like(blank)])[order],
        sources=ranked.sources,
        chances={
            name: np.concatenate([chance, np.full(len(item), np.nan, np.float32)])[order]
            for name, chance in ranked.chances.items()
        },
    )
