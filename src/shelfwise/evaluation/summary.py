"""One row of the report a model: its figures, and how sure they are, for whom and for what."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from shelfwise.evaluation.calibration import ProbabilityFit
from shelfwise.evaluation.intervals import Interval, intervals, ratio_intervals
from shelfwise.evaluation.measure import ListFigures, ModelResult
from shelfwise.evaluation.metrics import Scores
from shelfwise.evaluation.popularity import ITEM_SEGMENTS
from shelfwise.evaluation.yardstick import Yardstick

SEGMENTS: Final = (("new", 0, 2), ("returning", 3, 9), ("heavy", 10, None))
"""Name, fewest and most events in the history of a request."""
UNKNOWN: Final = Interval(math.nan, math.nan, math.nan)


@dataclass(frozen=True)
class Slice:
    """A model on some of the requests."""

    requests: int
    recall: float
    ndcg: Interval
    """NaN throughout where there is no request."""


@dataclass(frozen=True)
class WorthFigures:
    """How a model does where finding an item counts as much as it was worth."""

    recall: Interval
    """Share of all units, or of all money, that the lists held."""
    ndcg: float
    """Mean over the requests that bought anything, with units or money as gains."""


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
    lists: ListFigures
    purchases: WorthFigures | None
    """None where nothing that was held out was bought."""
    revenue: WorthFigures | None
    """None where no price is known."""
    probability: ProbabilityFit | None
    """None where the model promises no probabilities."""
    fit_seconds: float
    warm_items: Slice
    warm_users: Slice
    cold_users: Slice
    segments: dict[str, Slice]
    """By how much of the shopper is known, as `SEGMENTS`."""
    item_segments: dict[str, Slice]
    """By what is to be found, as `ITEM_SEGMENTS`: only items of the segment are wanted."""

    def to_dict(self, k: int) -> dict[str, Any]:
        """The figures by the names of the JSON contract."""
        at_k = ("recall", "mrr", "hit_rate", "map", "precision")
        lists = asdict(self.lists)
        exposure = lists.pop("exposure")
        return {
            f"ndcg@{k}": self.ndcg.mean,
            f"ndcg@{k}_ci95": [self.ndcg.low, self.ndcg.high],
            **{f"{name}@{k}": getattr(self, name) for name in at_k},
            **{f"{name}@{k}": value for name, value in lists.items()},
            **_worth_dict("purchase", self.purchases, k),
            **_worth_dict("revenue", self.revenue, k),
            "probability": self.probability and asdict(self.probability),
            "fit_seconds": self.fit_seconds,
            "warm_items": _slice_dict(self.warm_items, k),
            "warm_users": _slice_dict(self.warm_users, k),
            "cold_users": _slice_dict(self.cold_users, k),
            "segments": {name: _slice_dict(part, k) for name, part in self.segments.items()},
            "item_segments": {
                name: _slice_dict(part, k) | {f"exposure@{k}": exposure[name]}
                for name, part in self.item_segments.items()
            },
        }


def summaries(
    yardstick: Yardstick, results: Sequence[ModelResult], seed: int
) -> list[ModelSummary]:
    """The row of each result, in their order; all on the same resamples."""
    slices = _slices(yardstick, results, seed)
    purchases = _worth([one.purchases for one in results], _totals(yardstick, "units"), seed)
    revenue = _worth([one.revenue for one in results], _totals(yardstick, "revenue"), seed)
    return [
        _summary(one, slices[one.name], purchases[place], revenue[place])
        for place, one in enumerate(results)
    ]


def _totals(yardstick: Yardstick, kind: str) -> NDArray[np.float64]:
    """[n_requests] what all that is to be found was worth."""
    wanted, n = yardstick.split.relevant, len(yardstick.split)
    if yardstick.worth is None:
        return np.zeros(n)
    return np.bincount(wanted.rows(), getattr(yardstick.worth, kind), n).astype(np.float64)


def _worth(
    scores: Sequence[Scores | None], total: NDArray[np.float64], seed: int
) -> list[WorthFigures | None]:
    some = total > 0
    known = [one for one in scores if one is not None]
    if not some.any() or len(known) < len(scores):
        return [None] * len(scores)
    found = np.stack([one.gain[some] for one in known], axis=1)
    shares = ratio_intervals(found, total[some], seed)
    return [
        WorthFigures(share, one.means()["ndcg"]) for share, one in zip(shares, known, strict=True)
    ]


def _slices(
    yardstick: Yardstick, results: Sequence[ModelResult], seed: int
) -> dict[str, dict[str, Slice]]:
    """Per model and part of the requests, how it did there."""
    split = yardstick.split
    length = split.requests.history.lengths()
    everyone = np.full(len(split), True)
    masks = {"all": everyone, "warm_users": ~split.cold_user, "cold_users": split.cold_user} | {
        name: (length >= fewest) & (length <= (np.inf if most is None else most))
        for name, fewest, most in SEGMENTS
    }
    whole = {name: _compare([one.scores for one in results], m, seed) for name, m in masks.items()}
    for kind in results[0].by_items:
        scores = [one.by_items[kind] for one in results]
        whole[f"{kind} items"] = _compare(scores, ~np.isnan(scores[0].ndcg), seed)
    return {
        one.name: {name: of_models[place] for name, of_models in whole.items()}
        for place, one in enumerate(results)
    }


def _compare(scores: Sequence[Scores], mask: NDArray[np.bool_], seed: int) -> list[Slice]:
    n = int(mask.sum())
    if n == 0:
        return [Slice(0, math.nan, UNKNOWN)] * len(scores)
    found = intervals(np.stack([one.ndcg[mask] for one in scores], axis=1), seed)
    return [
        Slice(n, float(one.recall[mask].mean()), ndcg)
        for one, ndcg in zip(scores, found, strict=True)
    ]


def _summary(
    result: ModelResult,
    slices: dict[str, Slice],
    purchases: WorthFigures | None,
    revenue: WorthFigures | None,
) -> ModelSummary:
    means = result.scores.means()
    return ModelSummary(
        name=result.name,
        recall=means["recall"],
        ndcg=slices["all"].ndcg,
        mrr=means["mrr"],
        hit_rate=means["hit_rate"],
        map=means["map"],
        precision=means["precision"],
        lists=result.lists,
        purchases=purchases,
        revenue=revenue,
        probability=result.probability,
        fit_seconds=result.fit_seconds,
        warm_items=slices["warm items"],
        warm_users=slices["warm_users"],
        cold_users=slices["cold_users"],
        segments={name: slices[name] for name, _, _ in SEGMENTS},
        item_segments={name: slices[f"{name} items"] for name in ITEM_SEGMENTS},
    )


def _worth_dict(kind: str, worth: WorthFigures | None, k: int) -> dict[str, Any]:
    share = UNKNOWN if worth is None else worth.recall
    return {
        f"{kind}_recall@{k}": share.mean,
        f"{kind}_recall@{k}_ci95": [share.low, share.high],
        f"{kind}_ndcg@{k}": math.nan if worth is None else worth.ndcg,
    }


def _slice_dict(part: Slice, k: int) -> dict[str, Any]:
    return {
        "requests": part.requests,
        f"recall@{k}": part.recall,
        f"ndcg@{k}": part.ndcg.mean,
        f"ndcg@{k}_ci95": [part.ndcg.low, part.ndcg.high],
    }
