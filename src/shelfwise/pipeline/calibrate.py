"""Learns how likely a click and a purchase are, from what shoppers did after the validation cut.

The question a probability answers: a shopper comes to the shop (within the window after the cut, or
once more where there are no times); does he click, or buy, this product then? Shoppers who came and
bought nothing count as well. Scores are those of rankers that had learnt nothing from the shopper.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from shelfwise.core.dataset import Dataset, Events
from shelfwise.core.extras import installed
from shelfwise.core.requests import Requests
from shelfwise.core.vocabulary import UNKNOWN
from shelfwise.evaluation.calibration import Promise, probability_fit
from shelfwise.evaluation.grouping import histories, rows_of
from shelfwise.evaluation.known import interest_mask
from shelfwise.evaluation.splits import Split
from shelfwise.features.vectors import DAY_MS
from shelfwise.pipeline.fit import Fitted, Learnt
from shelfwise.pipeline.progress import Progress
from shelfwise.pipeline.recommend import part_size, ranking_features
from shelfwise.pipeline.retrieve import retrieve
from shelfwise.pipeline.settings import PipelineConfig
from shelfwise.ranking.chance_network import ShownRows, learn_network
from shelfwise.ranking.fused import FusedRanker
from shelfwise.ranking.outlook import (
    OutcomeCurve,
    OutcomeReport,
    Outlook,
    across_halves,
    evidence,
    learn_outcome,
)
from shelfwise.rerank.seen import Seen

TYPES: Final[dict[str, tuple[str, ...]]] = {"click": ("view", "click"), "purchase": ("purchase",)}
"""The events that make each outcome."""
STEPS: Final = TYPES | {"cart": ("add_to_cart",)}
"""What the funnel's network learns from."""


def learn_outlook(
    data: Dataset,
    fitted: Fitted,
    split: Split,
    learnt: Learnt,
    config: PipelineConfig,
    progress: Progress,
    *,
    seen: Seen = "auto",
) -> Outlook:
    """The chances of each outcome that `data` tell; `fitted` and `learnt` stem from `split`.

    `split` must be the test part of `data`: everything after it is looked at.
    """
    rng = np.random.default_rng([config.train.seed, 2])
    requests = who_came(data, split)
    seen_by = unseen_ranker(requests.user, learnt, rng)
    chosen = np.flatnonzero(seen_by >= 0)
    chosen = rng.permutation(chosen)[: config.fusion.calibration.requests]
    if len(chosen) == 0:
        return Outlook()
    requests = requests.take(chosen)
    later = what_followed(data.events, requests, data.n_users)
    rankers = [ranker for _, ranker in learnt.choice.unseen_by] + [learnt.choice.ranker]
    rows = _score(
        fitted, requests, rankers, seen_by[chosen], later, config, progress, seen, Outlook()
    )
    days = _days(data, split)
    calibration = config.fusion.calibration
    curves: dict[str, OutcomeCurve] = {}
    reports: dict[str, OutcomeReport] = {}
    for name in TYPES:
        found = learn_outcome(
            rows.scores,
            rows.indptr,
            rows.happened[name],
            calibration,
            k=config.fusion.k,
            days=days,
        )
        if found is not None:
            curves[name], reports[name] = found
    outlook = Outlook(curves, reports)
    if not curves or calibration.learner == "curve" or not installed("torch"):
        return outlook
    progress("learning probabilities by a network", 0, 1)
    network = learn_network(rows.shown(), config.fusion.network, rng)
    progress("learning probabilities by a network", 1, 1)
    if network is None:
        return outlook
    promised = {
        name: across_halves(rows.scores, rows.indptr, rows.happened[name], calibration)[rows.first]
        for name in curves
    }
    return outlook.with_network(network, rows.shown(), promised, config.fusion.k)


def promises_kept(
    data: Dataset,
    fitted: Fitted,
    ranker: FusedRanker,
    outlook: Outlook,
    split: Split,
    config: PipelineConfig,
    progress: Progress,
    *,
    seen: Seen = "auto",
) -> dict[str, Promise]:
    """By outcome, what the chances promised at the cut of `split` were worth.

    `fitted`, `ranker` and `outlook` must know nothing of `split`, the test part of `data`.
    """
    if not outlook.curves:
        return {}
    rng = np.random.default_rng([config.train.seed, 4])
    requests = who_came(data, split)
    chosen = rng.permutation(len(requests))[: config.fusion.calibration.requests]
    requests = requests.take(chosen)
    later = what_followed(data.events, requests, data.n_users)
    by = np.zeros(len(requests), np.int64)
    rows = _score(fitted, requests, [ranker], by, later, config, progress, seen, outlook)
    first = evidence(rows.scores, rows.indptr)[1] <= config.fusion.k
    return {
        name: Promise(
            requests=len(requests),
            promised=float(chance[first].mean()),
            days=_days(data, split),
            learnt_days=outlook.reports[name].days,
            fit=probability_fit(chance[first].astype(np.float64), rows.happened[name][first]),
        )
        for name, chance in rows.chances.items()
        if first.any()
    }


def _days(data: Dataset, split: Split) -> float | None:
    """How long the window after the cut is; None without one."""
    if split.cut_ms is None:
        return None
    return float(data.events.time_ms[-1] - split.cut_ms) / DAY_MS


@dataclass(frozen=True)
class _Rows:
    """The candidates of each request, and what came of them."""

    scores: NDArray[np.float32]
    indptr: NDArray[np.int64]
    happened: dict[str, NDArray[np.bool_]]
    """By step of `STEPS`."""
    first: NDArray[np.int64]
    """Rows in the first `calibration.places` of their list."""
    names: tuple[str, ...]
    features: NDArray[np.float32]
    """Of the rows `first`."""
    chances: dict[str, NDArray[np.float32]]
    """By outcome, what was promised of each row; empty where nobody was asked to promise."""

    def shown(self) -> ShownRows:
        """The rows `first`, as the network reads them."""
        lengths = np.diff(np.searchsorted(self.first, self.indptr))
        return ShownRows(
            self.names,
            self.features,
            np.append(0, np.cumsum(lengths)),
            {name: one[self.first] for name, one in self.happened.items()},
            evidence(self.scores, self.indptr)[1][self.first],
        )


def who_came(data: Dataset, split: Split) -> Requests:
    """Whoever showed interest in anything after the cut, asked at the cut; else the split's own."""
    if split.cut_ms is None or data.anonymous.all():
        return split.requests
    events = data.events
    came = interest_mask(events) & (events.time_ms >= split.cut_ms) & ~data.anonymous[events.user]
    users = np.unique(events.user[came]).astype(np.int32)
    last = int(np.searchsorted(events.time_ms, split.cut_ms)) - 1
    history = histories(events, users, np.full(data.n_users, last, np.int64))
    now = np.full(len(users), split.cut_ms, np.int64)
    return Requests.of_histories(history, split.requests.n, user=users, now_ms=now)


def unseen_ranker(
    users: NDArray[np.int32], learnt: Learnt, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Per request, which ranker has learnt nothing from it; the one served is last, -1: leave out.

    Of shoppers nothing was learnt from, as large a share is taken as was held out of the others.
    """
    n = len(learnt.choice.unseen_by)
    out = np.full(len(users), n)
    if n == 0:
        return out
    ranker_of = np.full(len(learnt.users), -1)
    for which, (held, _) in enumerate(learnt.choice.unseen_by):
        ranker_of[held] = which
    place = rows_of(learnt.users, int(max(users.max(initial=0), learnt.users.max(initial=0))) + 1)
    known = place[users] >= 0
    out[known] = ranker_of[place[users[known]]]
    share = float((ranker_of >= 0).mean()) if len(ranker_of) else 1.0
    out[~known & (rng.random(len(users)) >= share)] = -1
    return out


def what_followed(events: Events, requests: Requests, n_users: int) -> Events:
    """What the shoppers of `requests` did after their history; `user` is the request's place."""
    row = rows_of(requests.user, n_users)
    mine = events.take((row[events.user] >= 0) & (events.item != UNKNOWN))
    order = np.argsort(mine.user, kind="stable")
    counts = np.bincount(mine.user, minlength=n_users)
    start = np.cumsum(counts) - counts
    place = np.empty(len(mine), np.int64)
    place[order] = np.arange(len(mine)) - np.repeat(start, counts)
    request = row[mine.user]
    after = mine.take(place >= requests.history.lengths()[request])
    return _renamed(after, row[after.user])


def _renamed(events: Events, user: NDArray[np.int32]) -> Events:
    return Events(**{**vars(events), "user": user})


def _score(
    fitted: Fitted,
    requests: Requests,
    rankers: Sequence[FusedRanker],
    scored_by: NDArray[np.int64],
    later: Events,
    config: PipelineConfig,
    progress: Progress,
    seen: Seen,
    outlook: Outlook,
) -> _Rows:
    """The candidates as they would be served, their scores, and what came of them.

    `scored_by` [n_requests] is the place in `rankers` of the one that scores the request.
    """
    n_items = len(fitted.popular_first)
    size = part_size(len(fitted.models), n_items)
    scores, lengths, keys, shown, places, chances = [], [], [], [], [], []
    names: tuple[str, ...] = ()
    for start in range(0, len(requests), size):
        progress("what comes of promises", start, len(requests))
        asked = requests.part(start, start + size)
        hidden = fitted.seen.hidden(asked.history, seen)
        found = retrieve(fitted.models, asked, hidden, config.recommend.per_source, n_items)
        names, features = ranking_features(fitted.tables, asked, found)
        own = np.empty(len(found), np.float32)
        by = scored_by[start : start + size][found.request]
        for which in np.unique(by):
            own[by == which] = rankers[which].score(features[by == which])
        scores.append(own)
        chances.append(outlook.chances(own, found.indptr(), features))
        places.append(evidence(own, found.indptr())[1])
        shown.append(features[places[-1] <= config.fusion.calibration.places])
        lengths.append(np.diff(found.indptr()))
        keys.append((start + found.request).astype(np.int64) * n_items + found.item)
    progress("what comes of promises", len(requests), len(requests))
    key = np.concatenate(keys)
    happened = {}
    for name, types in STEPS.items():
        told = later.take(interest_mask(later, types))
        happened[name] = np.isin(key, told.user.astype(np.int64) * n_items + told.item)
    return _Rows(
        np.concatenate(scores),
        np.append(0, np.cumsum(np.concatenate(lengths))).astype(np.int64),
        happened,
        np.flatnonzero(np.concatenate(places) <= config.fusion.calibration.places),
        names,
        np.concatenate(shown),
        {name: np.concatenate([one[name] for one in chances]) for name in chances[0]},
    )
