"""Fits the models and learns their fusion on requests whose outcome is known."""

from __future__ import annotations

import time
import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from shelfwise.core.candidates import Candidates
from shelfwise.core.dataset import Dataset
from shelfwise.core.errors import NotEnoughDataError
from shelfwise.core.model import Model
from shelfwise.core.ragged import Ragged
from shelfwise.core.requests import Histories, Requests
from shelfwise.evaluation.splits import Split, leave_one_out, temporal
from shelfwise.features.tables import FeatureTables
from shelfwise.features.worth import Worth
from shelfwise.pipeline.budget import models_for
from shelfwise.pipeline.engine import Engine
from shelfwise.pipeline.event_weights import event_weights, with_weights
from shelfwise.pipeline.models import fit_model
from shelfwise.pipeline.progress import Progress
from shelfwise.pipeline.recommend import asked_at_most, part_size, ranking_features
from shelfwise.pipeline.retrieve import retrieve
from shelfwise.pipeline.settings import PipelineConfig
from shelfwise.ranking.choice import Choice, choose
from shelfwise.ranking.fused import FusedRanker
from shelfwise.ranking.judged import JudgedLists
from shelfwise.ranking.outlook import Outlook
from shelfwise.ranking.source_features import source_columns
from shelfwise.rerank.seen import Seen, SeenPolicy
from shelfwise.retrieval.interactions import EventWeights


@dataclass(frozen=True)
class Fitted:
    """Models and tables of one dataset, before they are fused."""

    models: dict[str, Model]
    seconds: dict[str, float]
    """Wall time each model took."""
    tables: FeatureTables
    seen: SeenPolicy
    popular_first: NDArray[np.int32]
    worth: Worth
    event_weights: EventWeights | None = None
    """What the data said an event of each type is worth; None: as configured."""

    def engine(
        self, ranker: FusedRanker, config: PipelineConfig, outlook: Outlook | None = None
    ) -> Engine:
        """What answers with these models and that ranker; without `outlook`, by relevance."""
        return Engine(
            self.models,
            self.tables,
            ranker,
            self.seen,
            config.recommend,
            len(self.popular_first),
            self.popular_first,
            self.worth,
            outlook or Outlook(),
            config.objective,
        )


@dataclass(frozen=True)
class Learnt:
    """How to fuse, and from which shoppers that was learnt."""

    choice: Choice
    users: NDArray[np.int32]
    """[n_requests] user code of each request that the choice was made on."""


def fit_models(
    data: Dataset, config: PipelineConfig, progress: Progress, *, label: str = "training"
) -> Fitted:
    """Every model of `config.train.models`, fitted on `data`; each draws from a seed of its own.

    Where they are "auto", what `budget.planned` chooses for `data`.

    Small products on several BLAS threads spend their time waiting for each other (158 steps of
    L-BFGS on 150 weights: 4.2 s on two busy processors, 0.08 s on one thread), so there is one
    thread but where a model asks for more.
    """
    with threadpool_limits(1, "blas"):
        return _fit_models(data, config, progress, label)


def _fit_models(data: Dataset, config: PipelineConfig, progress: Progress, label: str) -> Fitted:
    names = models_for(data, config)
    weights = event_weights(data, config)
    settings = with_weights(config.models, weights)
    models: dict[str, Model] = {}
    seconds: dict[str, float] = {}
    for done, name in enumerate(names):
        progress(f"{label}: {name}", done, len(names) + 1)
        start = time.perf_counter()
        rng = np.random.default_rng([config.train.seed, zlib.crc32(name.encode())])
        models[name] = fit_model(name, data, settings, rng)
        seconds[name] = time.perf_counter() - start
    progress(f"{label}: features", len(names), len(names) + 1)
    tables = FeatureTables.of(data)
    seen = SeenPolicy.fit(data, tables.catalogue.leaf, config.seen)
    progress(f"{label}: done", len(names) + 1, len(names) + 1)
    worth = Worth.of(data.products)
    return Fitted(models, seconds, tables, seen, _popular_first(data), worth, weights)


def validation_split(data: Dataset, config: PipelineConfig) -> Split:
    """Requests with known outcome, to learn the fusion from; the latest there are.

    A window of time where there are times and enough shoppers in it, else each one's last item.
    """
    how = config.train.validation
    if how == "leave-one-out" or not data.timed:
        return latest_items(data)
    try:
        split = latest_window(data, config.train.validation_share)
    except NotEnoughDataError:
        if how == "temporal":
            raise
        return latest_items(data)
    if how == "auto" and len(split) < config.fusion.min_requests:
        try:
            other = latest_items(data)
        except NotEnoughDataError:
            return split
        return other if len(other) > 2 * len(split) else split
    return split


def latest_items(data: Dataset) -> Split:
    """Each shopper's last item as the outcome, nothing of it known."""
    return leave_one_out(data, part="test", train_on_validation=True)


def latest_window(data: Dataset, share: float) -> Split:
    """What was chosen in the last `share` of events, nothing of it known."""
    return temporal(data, part="test", test_share=share, validation_share=share)


def learn_fusion(
    fitted: Fitted,
    split: Split,
    config: PipelineConfig,
    progress: Progress,
    *,
    seen: Seen = "auto",
) -> FusedRanker:
    """The fusion that held-out requests of `split` prefer; `fitted` stems from `split.train`."""
    return learn_choice(fitted, split, config, progress, seen=seen).choice.ranker


def learn_choice(
    fitted: Fitted,
    split: Split,
    config: PipelineConfig,
    progress: Progress,
    *,
    seen: Seen = "auto",
) -> Learnt:
    """The same, with the rankers that had not seen some of the shoppers."""
    rng = np.random.default_rng([config.train.seed, 1])
    judged = judge(fitted, split, config, rng, progress, seen=seen)
    progress("learning the fusion", 0, 1)
    with threadpool_limits(1, "blas"):
        choice = _choose(fitted, judged, config, rng)
    progress("learning the fusion", 1, 1)
    return Learnt(choice, judged.users)


def unlearnt_fusion(fitted: Fitted, config: PipelineConfig) -> FusedRanker:
    """Fusion by rank alone, for a shop with too little data to hold anything back."""
    nobody = Histories(
        np.zeros(1, np.int64), np.empty(0, np.int32), np.empty(0, np.int8), np.empty(0, np.int64)
    )
    asked = Requests.of_histories(nobody, 1)
    hidden = fitted.seen.hidden(nobody)
    nothing = retrieve(fitted.models, asked, hidden, 1, len(fitted.popular_first))
    judged = _judged(fitted, asked, nothing, Ragged.of([]))
    return _choose(fitted, judged, config, np.random.default_rng(config.train.seed)).ranker


@dataclass(frozen=True)
class Judged:
    """Candidates of requests with known outcome, as `ranking.judged.JudgedLists` reads them."""

    names: tuple[str, ...]
    features: NDArray[np.float32]
    indptr: NDArray[np.int64]
    relevance: NDArray[np.float32]
    n_relevant: NDArray[np.int64]
    users: NDArray[np.int32]
    """[n_requests] user codes."""

    def lists(self) -> JudgedLists:
        """The same as judged lists."""
        return JudgedLists.of(
            self.features, self.names, self.indptr, self.relevance, self.n_relevant
        )


def _choose(
    fitted: Fitted, judged: Judged, config: PipelineConfig, rng: np.random.Generator
) -> Choice:
    columns = source_columns(judged.names, tuple(fitted.models))
    return choose(judged.lists(), columns, config.fusion, rng)


def judge(
    fitted: Fitted,
    split: Split,
    config: PipelineConfig,
    rng: np.random.Generator,
    progress: Progress,
    *,
    seen: Seen,
) -> Judged:
    """Features and outcome of the candidates, of requests where a relevant item was found.

    So many are asked that `learn_from` have one, `asked_at_most` allowing. Those without one keep
    their place without rows: nothing can be learnt from them, but they count.
    """
    n_items = len(fitted.popular_first)
    size = part_size(len(fitted.models), n_items)
    starts = rng.permutation(np.arange(0, len(split), size))
    starts = starts[: -(-asked_at_most(len(fitted.models), n_items) // size)]
    left = config.train.learn_from
    parts: list[Judged] = []
    for done, start in enumerate(starts.tolist()):
        progress("gathering candidates", done, len(starts))
        if left <= 0:
            break
        asked = split.requests.part(start, start + size)
        hidden = fitted.seen.hidden(asked.history, seen)
        found = retrieve(fitted.models, asked, hidden, config.train.per_source, n_items)
        wanted = split.relevant.part(start, start + size)
        parts.append(_judged(fitted, asked, found, wanted))
        left -= int((np.diff(parts[-1].indptr) > 0).sum())
    progress("gathering candidates", len(starts), len(starts))
    return _joined(parts)


def _judged(fitted: Fitted, asked: Requests, found: Candidates, wanted: Ragged) -> Judged:
    relevance = np.zeros(len(found), np.float32)
    last = np.full(len(fitted.popular_first), -1)
    _mark(found.indptr(), found.item, wanted.indptr, wanted.values, last, relevance)
    hit = np.bincount(found.request[relevance > 0], minlength=len(asked)) > 0
    kept = hit[found.request]
    rows = found.take(kept)
    names, features = ranking_features(fitted.tables, asked, rows)
    return Judged(names, features, rows.indptr(), relevance[kept], wanted.lengths(), asked.user)


def _joined(parts: list[Judged]) -> Judged:
    lengths = np.concatenate([np.diff(part.indptr) for part in parts])
    indptr = np.zeros(len(lengths) + 1, np.int64)
    np.cumsum(lengths, out=indptr[1:])
    return Judged(
        parts[0].names,
        np.concatenate([part.features for part in parts]),
        indptr,
        np.concatenate([part.relevance for part in parts]),
        np.concatenate([part.n_relevant for part in parts]),
        np.concatenate([part.users for part in parts]),
    )


@njit(cache=True, nogil=True)
def _mark(indptr: Any, item: Any, wanted_at: Any, wanted: Any, last: Any, out: Any) -> None:
    for r in range(len(indptr) - 1):
        for at in range(wanted_at[r], wanted_at[r + 1]):
            last[wanted[at]] = r
        for row in range(indptr[r], indptr[r + 1]):
            if last[item[row]] == r:
                out[row] = 1.0


def _popular_first(data: Dataset) -> NDArray[np.int32]:
    counts = np.bincount(data.events.item, minlength=data.n_items)
    return np.argsort(-counts, kind="stable").astype(np.int32)
