"""The evaluation report: every model's figures, who they hold for, and what the fusion adds.

`summarise` makes it from a split and the models' results; `to_dict` is the contract of
`shelfwise evaluate --json` (additions only). Other files draw it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from shelfwise.evaluation.calibration import Promise
from shelfwise.evaluation.intervals import Difference, difference
from shelfwise.evaluation.leaks import LeakCheck
from shelfwise.evaluation.measure import ModelResult
from shelfwise.evaluation.popularity import ITEM_SEGMENTS
from shelfwise.evaluation.significance import LEVEL, Pair, compare_all
from shelfwise.evaluation.summary import SEGMENTS, ModelSummary, summaries
from shelfwise.evaluation.yardstick import Yardstick


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
    units: float
    """Units bought of what is to be found."""
    revenue: float
    """Money paid for them, as far as prices are known."""
    priced_share: float
    """Share of the units whose price is known; NaN where nothing was bought."""


@dataclass(frozen=True)
class ItemSegmentFacts:
    """A part of the catalogue by popularity in training."""

    items: int
    event_share: float
    """Share of the training events that are about its items."""
    wanted_share: float
    """Share of what is to be found."""


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
    item_segments: dict[str, ItemSegmentFacts]
    pairs: tuple[Pair, ...]
    """NDCG of every two models compared, best first."""
    leak_checks: tuple[LeakCheck, ...]
    """What was proved of the split; empty where nothing was checked."""
    promises: Mapping[str, Promise] = field(default_factory=dict)
    """By outcome (`click`, `purchase`), what the fusion's chances of it were worth."""

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
            "models": {one.name: one.to_dict(self.k) for one in self.models},
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
            "item_segments": {name: asdict(facts) for name, facts in self.item_segments.items()},
            "significance": {
                "metric": f"ndcg@{self.k}",
                "test": "paired t, two-sided",
                "correction": "holm",
                "level": LEVEL,
                "pairs": [asdict(one) | {"significant": one.significant} for one in self.pairs],
            },
            "promises": {name: asdict(one) for name, one in self.promises.items()},
            "leak_check": {
                "passed": bool(self.leak_checks) and all(one.passed for one in self.leak_checks),
                "checks": [{"says": one.says, "passed": one.passed} for one in self.leak_checks],
            },
        }
        plain: dict[str, Any] = _json_safe(whole)
        return plain

    def pair(self, one: str, other: str) -> Pair:
        """The comparison of two models, in either order."""
        return next(pair for pair in self.pairs if {pair.first, pair.second} == {one, other})

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
    yardstick: Yardstick,
    results: Sequence[ModelResult],
    *,
    fusion: str,
    k: int,
    seed: int,
    repeat_policy: str,
    leak_checks: Sequence[LeakCheck] = (),
    promises: Mapping[str, Promise] | None = None,
) -> EvaluationReport:
    """The report of all models on one split; `fusion` names one of `results`.

    `leak_checks` are those of `assert_no_future`, and `promises` what the fusion's chances were
    worth, to be told along.
    """
    by_name = {one.name: one for one in results}
    if fusion not in by_name or len(by_name) != len(results):
        raise ValueError(f"Fusion {fusion!r} is not one of distinct models {list(by_name)}.")
    rows = sorted(summaries(yardstick, results, seed), key=lambda one: -one.ndcg.mean)
    best_single = next((one.name for one in rows if one.name != fusion), None)
    gain = None
    if best_single is not None:
        gain = difference(by_name[fusion].scores.ndcg, by_name[best_single].scores.ndcg, seed)
    split = yardstick.split
    return EvaluationReport(
        protocol=split.protocol,
        part=split.part,
        k=k,
        seed=seed,
        data=_facts(yardstick),
        models=tuple(rows),
        fusion=fusion,
        best_single=best_single,
        gain=gain,
        target_types=split.target_types,
        cut_ms=split.cut_ms,
        trained_on_validation=split.trained_on_validation,
        repeat_policy=repeat_policy,
        item_segments=_item_segments(yardstick),
        pairs=compare_all({one.name: by_name[one.name].scores.ndcg for one in rows}),
        leak_checks=tuple(leak_checks),
        promises=promises or {},
    )


def _facts(yardstick: Yardstick) -> DataFacts:
    split, worth = yardstick.split, yardstick.worth
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
        units=0.0 if worth is None else float(worth.units.sum()),
        revenue=0.0 if worth is None else float(worth.revenue.sum()),
        priced_share=math.nan if worth is None else worth.priced_share,
    )


def _item_segments(yardstick: Yardstick) -> dict[str, ItemSegmentFacts]:
    n = len(ITEM_SEGMENTS)
    items = np.bincount(yardstick.segment, minlength=n)
    events = np.bincount(yardstick.segment, yardstick.popularity.astype(np.float64), n)
    wanted = np.bincount(yardstick.segment[yardstick.split.relevant.values], minlength=n)
    return {
        name: ItemSegmentFacts(
            int(items[at]),
            float(events[at] / max(events.sum(), 1.0)),
            float(wanted[at] / wanted.sum()),
        )
        for at, name in enumerate(ITEM_SEGMENTS)
    }


def _json_safe(value: Any) -> Any:
    """The value with None for each figure that is not a number, since JSON knows no NaN."""
    if isinstance(value, dict):
        return {key: _json_safe(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_json_safe(one) for one in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
