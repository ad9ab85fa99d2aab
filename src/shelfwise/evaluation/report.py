"""The evaluation report: every model's figures, who they hold for, and what the fusion adds.

`summarise` makes it from a split and the models' results; `to_dict` is the contract of
`shelfwise evaluate --json` (additions only). Other files draw it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from shelfwise.evaluation.intervals import Difference, Interval, difference, intervals
from shelfwise.evaluation.measure import ModelResult
from shelfwise.evaluation.metrics import Scores
from shelfwise.evaluation.splits import Split

SEGMENTS: Final = (("new", 0, 2), ("returning", 3, 9), ("heavy", 10, None))
"""Name, fewest and most events in the history of a request."""


@dataclass(frozen=True)
class DataFacts:
    """What was evaluated on; `users` are known shoppers, anonymous sessions come beside them."""

    users: int
    items: int
    events: int
    test_users: int
    anonymous_sessions: int
    training_events: int
    cold_users: int
    """Tested shoppers unseen in training."""
    cold_items: int
    """Distinct items to find that are unseen in training: no model of behaviour can find them."""
    cold_share: float
    """Share of what is to be found that such items make up."""
    repeat_share: float
    """Share of what is to be found that was already in the shopper's history."""


@dataclass(frozen=True)
class Slice:
    """A model on some of the requests."""

    requests: int
    recall: float
    ndcg: Interval
    """NaN throughout where there is no request."""


@dataclass(frozen=True)
class ModelSummary:
    """One model's row of the leaderboard."""

    name: str
    recall: float
    ndcg: Interval
    mrr: float
    hit_rate: float
    map: float
    precision: float
    coverage: float
    novelty: float
    popularity_bias: float
    fit_seconds: float
    warm_items: Slice
    warm_users: Slice
    cold_users: Slice
    segments: dict[str, Slice]


@dataclass(frozen=True)
class EvaluationReport:
    """The whole comparison; `models` are ordered by NDCG, best first."""

    protocol: str
    part: str
    k: int
    seed: int
    data: DataFacts
    models: tuple[ModelSummary, ...]
    fusion: str
    best_single: str | None
    """The best model but the fusion; None where the fusion stands alone."""
    gain: Difference | None
    """NDCG of the fusion minus that of `best_single`, request by request."""
    target_types: tuple[str, ...]
    cut_ms: int | None
    trained_on_validation: bool
    repeat_policy: str
    """What the lists do with products the shopper already has."""

    def model(self, name: str) -> ModelSummary:
        """The row of model `name`."""
        return next(one for one in self.models if one.name == name)

    def to_dict(self) -> dict[str, Any]:
        """The report as JSON values; figures that do not exist are None."""
        facts = asdict(self.data)
        gain = self.gain and {
            "over": self.best_single,
            f"ndcg@{self.k}": self.gain.mean,
            "ci95": [self.gain.low, self.gain.high],
            "p_value": self.gain.p_value,
        }
        whole = {
            "protocol": self.protocol,
            "part": self.part,
            "k": self.k,
            "seed": self.seed,
            "data": facts,
            "models": {one.name: _model_dict(one, self.k) for one in self.models},
            "fusion": self.fusion,
            "fusion_gain": gain,
            "target_types": list(self.target_types),
            "cut_ms": self.cut_ms,
            "trained_on_validation": self.trained_on_validation,
            "repeat_policy": self.repeat_policy,
            "segments": {
                name: {"history_from": fewest, "history_to": most}
                for name, fewest, most in SEGMENTS
            },
        }
        plain: dict[str, Any] = _json_safe(whole)
        return plain

    def verdict(self) -> str:
        """One sentence: what the fusion adds to the best single model, and how sure that is."""
        if self.gain is None or self.best_single is None:
            return f"{self.fusion} stands alone: there is no single model to compare it with."
        base = self.model(self.best_single).ndcg.mean
        share = f" ({self.gain.mean / base:+.1%})" if base > 0 else ""
        figures = (
            f"NDCG@{self.k} {self.gain.mean:+.4f}{share},"
            f" 95% interval {self.gain.low:+.4f} to {self.gain.high:+.4f}"
        )
        if self.gain.low > 0:
            return f"{self.fusion} beats the best single model, {self.best_single}: {figures}."
        if self.gain.high < 0:
            return f"{self.fusion} is worse than {self.best_single}: {figures}."
        return f"{self.fusion} is not shown to beat {self.best_single}: {figures}."


def summarise(
    split: Split,
    results: Sequence[ModelResult],
    *,
    fusion: str,
    k: int,
    seed: int,
    repeat_policy: str,
) -> EvaluationReport:
    """The report of all models on one split; `fusion` names one of `results`."""
    by_name = {one.name: one for one in results}
    if fusion not in by_name or len(by_name) != len(results):
        raise ValueError(f"Fusion {fusion!r} is not one of distinct models {list(by_name)}.")
    slices = _slices(split, results, seed)
    summaries = [_summary(one, slices[one.name]) for one in results]
    summaries.sort(key=lambda one: -one.ndcg.mean)
    best_single = next((one.name for one in summaries if one.name != fusion), None)
    gain = None
    if best_single is not None:
        gain = difference(by_name[fusion].scores.ndcg, by_name[best_single].scores.ndcg, seed)
    return EvaluationReport(
        protocol=split.protocol,
        part=split.part,
        k=k,
        seed=seed,
        data=_facts(split),
        models=tuple(summaries),
        fusion=fusion,
        best_single=best_single,
        gain=gain,
        target_types=split.target_types,
        cut_ms=split.cut_ms,
        trained_on_validation=split.trained_on_validation,
        repeat_policy=repeat_policy,
    )


def _facts(split: Split) -> DataFacts:
    train = split.train
    sessions = int(train.anonymous.sum())
    return DataFacts(
        users=train.n_users - sessions,
        items=train.n_items,
        events=split.n_events,
        test_users=len(split),
        anonymous_sessions=sessions,
        training_events=len(train.events),
        cold_users=split.n_cold_users,
        cold_items=split.n_cold_items,
        cold_share=float(split.cold_item.mean()),
        repeat_share=float(split.seen_item.mean()),
    )


def _slices(split: Split, results: Sequence[ModelResult], seed: int) -> dict[str, dict[str, Slice]]:
    """Per model and part of the requests, how it did there; all models on the same resamples."""
    length = split.requests.history.lengths()
    everyone = np.full(len(split), True)
    warm_items = ~np.isnan(results[0].warm_items.ndcg)
    masks = {"all": everyone, "warm_users": ~split.cold_user, "cold_users": split.cold_user} | {
        name: (length >= fewest) & (length <= (np.inf if most is None else most))
        for name, fewest, most in SEGMENTS
    }
    whole = {name: _compare([one.scores for one in results], m, seed) for name, m in masks.items()}
    whole["warm_items"] = _compare([one.warm_items for one in results], warm_items, seed)
    return {
        one.name: {name: of_models[place] for name, of_models in whole.items()}
        for place, one in enumerate(results)
    }


def _compare(scores: Sequence[Scores], mask: NDArray[np.bool_], seed: int) -> list[Slice]:
    n = int(mask.sum())
    if n == 0:
        return [Slice(0, math.nan, Interval(math.nan, math.nan, math.nan))] * len(scores)
    found = intervals(np.stack([one.ndcg[mask] for one in scores], axis=1), seed)
    return [
        Slice(n, float(one.recall[mask].mean()), ndcg)
        for one, ndcg in zip(scores, found, strict=True)
    ]


def _summary(result: ModelResult, slices: dict[str, Slice]) -> ModelSummary:
    means = result.scores.means()
    return ModelSummary(
        name=result.name,
        recall=means["recall"],
        ndcg=slices["all"].ndcg,
        mrr=means["mrr"],
        hit_rate=means["hit_rate"],
        map=means["map"],
        precision=means["precision"],
        coverage=result.coverage,
        novelty=result.novelty,
        popularity_bias=result.popularity_bias,
        fit_seconds=result.fit_seconds,
        warm_items=slices["warm_items"],
        warm_users=slices["warm_users"],
        cold_users=slices["cold_users"],
        segments={name: slices[name] for name, _, _ in SEGMENTS},
    )


def _model_dict(one: ModelSummary, k: int) -> dict[str, Any]:
    at_k = ("recall", "mrr", "coverage", "hit_rate", "map", "precision", "novelty")
    return {
        f"ndcg@{k}": one.ndcg.mean,
        f"ndcg@{k}_ci95": [one.ndcg.low, one.ndcg.high],
        **{f"{name}@{k}": getattr(one, name) for name in at_k},
        f"popularity_bias@{k}": one.popularity_bias,
        "fit_seconds": one.fit_seconds,
        "warm_items": _slice_dict(one.warm_items, k),
        "warm_users": _slice_dict(one.warm_users, k),
        "cold_users": _slice_dict(one.cold_users, k),
        "segments": {name: _slice_dict(part, k) for name, part in one.segments.items()},
    }


def _slice_dict(part: Slice, k: int) -> dict[str, Any]:
    return {
        "requests": part.requests,
        f"recall@{k}": part.recall,
        f"ndcg@{k}": part.ndcg.mean,
        f"ndcg@{k}_ci95": [part.ndcg.low, part.ndcg.high],
    }


def _json_safe(value: Any) -> Any:
    """The value with None for each figure that is not a number, since JSON knows no NaN."""
    if isinstance(value, dict):
        return {key: _json_safe(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_json_safe(one) for one in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
