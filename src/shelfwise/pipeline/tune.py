"""Searches the models' settings on the validation part alone, within a time budget.

Each model in turn tries settings drawn at random from its space (Bergstra and Bengio, JMLR 2012),
around what is best so far half of the time. A setting is kept only when a paired bootstrap over
validation shoppers finds it surely better than the current one. Many tries on the same shoppers
still flatter the winner, so what `after` says is an upper guess; `evaluate` on the test part, which
plays no part here, has the honest figure.
"""

from __future__ import annotations

import math
import time
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from shelfwise.core.dataset import Dataset
from shelfwise.core.errors import NotEnoughDataError
from shelfwise.core.model import Model
from shelfwise.core.settings import Settings
from shelfwise.evaluation.intervals import difference
from shelfwise.evaluation.metrics import score_lists
from shelfwise.evaluation.splits import Split, leave_one_out, temporal
from shelfwise.features.catalogue import Catalogue
from shelfwise.pipeline.models import ModelsConfig, fit_model
from shelfwise.pipeline.progress import Progress
from shelfwise.pipeline.recommend import part_size
from shelfwise.pipeline.retrieve import allowed_scores
from shelfwise.pipeline.settings import PipelineConfig
from shelfwise.rerank.seen import Seen, SeenPolicy
from shelfwise.retrieval.topk import top_k

K: Final = 10
SHOPPERS: Final = 5000
"""Validation shoppers measured at most, drawn once."""
SURE: Final = 0.05
"""A change is kept when the paired bootstrap's p-value is below this."""


@dataclass(frozen=True)
class Span:
    """Where a number may lie; `log` draws its logarithm evenly."""

    low: float
    high: float
    log: bool = False
    whole: bool = False

    def draw(self, rng: np.random.Generator, near: float | None) -> float:
        """A value from the span, or close to `near`."""
        low, high = (math.log(self.low), math.log(self.high)) if self.log else (self.low, self.high)
        if near is None:
            value = rng.uniform(low, high)
        else:
            centre = math.log(max(near, self.low)) if self.log else near
            value = float(np.clip(rng.normal(centre, (high - low) / 8), low, high))
        value = math.exp(value) if self.log else value
        return round(value) if self.whole else float(f"{value:.3g}")


SPACES: Final[Mapping[str, Mapping[str, Span]]] = {
    "popular": {"half_life_days": Span(3, 365, log=True)},
    "item_knn": {"shrink": Span(0.5, 100, log=True), "context_decay": Span(0.3, 1.0)},
    "transition": {
        "decay": Span(0.6, 0.98),
        "backward": Span(0.0, 0.8),
        "source_norm": Span(0.0, 0.8),
        "target_norm": Span(0.0, 0.6),
        "shrink": Span(0.5, 50, log=True),
        "context_decay": Span(0.2, 0.98),
    },
    "ease": {"reg": Span(5, 3000, log=True), "context_decay": Span(0.3, 1.0)},
    "als": {
        "factors": Span(16, 128, log=True, whole=True),
        "alpha": Span(1, 100, log=True),
        "reg": Span(0.001, 10, log=True),
        "context_decay": Span(0.3, 1.0),
    },
    "coupled": {
        "factors": Span(16, 128, log=True, whole=True),
        "alpha": Span(1, 100, log=True),
        "reg": Span(5, 300, log=True),
        "attributes": Span(0.05, 10, log=True),
        "context_decay": Span(0.3, 1.0),
    },
    "content": {"context_decay": Span(0.3, 1.0)},
}
"""What is searched, by model; a model that is not here is left as it is."""


@dataclass(frozen=True)
class Tuned:
    """What the search found for one model."""

    model: str
    settings: dict[str, float]
    """The settings that differ from the shop's; empty where nothing was surely better."""
    before: float
    """Validation NDCG@10 of the shop's settings."""
    after: float
    tries: int


@dataclass(frozen=True)
class _Best:
    config: Settings
    ndcg: NDArray[np.float64]
    changed: dict[str, float]


def tune(split: Split, config: PipelineConfig, minutes: float, progress: Progress) -> list[Tuned]:
    """Better settings of each trained model for `split`, a validation split, found in `minutes`."""
    seen: Seen = "exclude" if split.protocol == "leave-one-out" else "auto"
    rng = np.random.default_rng([config.train.seed, 2])
    asked = _sample(split, rng)
    policy = SeenPolicy.fit(
        split.train, Catalogue.of(split.train.products, split.train.events).leaf, config.seen
    )
    end = time.monotonic() + 60 * minutes
    names = [name for name in config.train.models if name in SPACES]
    best: dict[str, _Best] = {}
    before: dict[str, float] = {}
    tries = dict.fromkeys(names, 0)
    spent = dict.fromkeys(names, 0.0)
    while names and (len(best) < len(names) or time.monotonic() < end):
        name = min(names, key=spent.__getitem__)  # each model gets the same time
        start = time.monotonic()
        progress("tuning: " + name, int(60 * minutes - max(0.0, end - start)), int(60 * minutes))
        if name not in best:
            settings = getattr(config.models, name)
            best[name] = _Best(settings, _ndcg(name, settings, asked, policy, config, seen), {})
            before[name] = float(best[name].ndcg.mean())
        else:
            tries[name] += 1
            best[name] = _better(name, best[name], asked, policy, config, seen, rng)
        spent[name] += time.monotonic() - start
    return [
        Tuned(name, best[name].changed, before[name], float(best[name].ndcg.mean()), tries[name])
        for name in names
    ]


def _better(
    name: str,
    best: _Best,
    asked: Split,
    policy: SeenPolicy,
    config: PipelineConfig,
    seen: Seen,
    rng: np.random.Generator,
) -> _Best:
    """The best so far, or a new draw that is surely better."""
    near = rng.random() < 0.5
    drawn = {
        key: span.draw(rng, getattr(best.config, key) if near else None)
        for key, span in SPACES[name].items()
        if rng.random() < 0.7
    }
    settings = type(best.config).model_validate(best.config.model_dump() | drawn)
    ndcg = _ndcg(name, settings, asked, policy, config, seen)
    found = difference(ndcg, best.ndcg, config.train.seed)
    if found.mean > 0 and found.p_value < SURE:
        return _Best(settings, ndcg, best.changed | drawn)
    return best


def _ndcg(
    name: str,
    settings: Settings,
    asked: Split,
    policy: SeenPolicy,
    config: PipelineConfig,
    seen: Seen,
) -> NDArray[np.float64]:
    """[n_requests] NDCG@10 of the model fitted with these settings."""
    models = ModelsConfig.model_validate(config.models.model_dump() | {name: settings})
    rng = np.random.default_rng([config.train.seed, zlib.crc32(name.encode())])
    with threadpool_limits(1, "blas"):
        model: Model = fit_model(name, asked.train, models, rng)
    n_items = asked.train.n_items
    size = part_size(1, n_items)
    lists = []
    for start in range(0, len(asked), size):
        part = asked.requests.part(start, start + size)
        hidden = policy.hidden(part.history, seen)
        lists.append(top_k(allowed_scores(model, part, hidden, n_items), K)[0])
    return score_lists(np.concatenate(lists), asked.relevant, K).ndcg


def _sample(split: Split, rng: np.random.Generator) -> Split:
    """The split with at most `SHOPPERS` requests, a run of them from a random start."""
    if len(split) <= SHOPPERS:
        return split
    start = int(rng.integers(0, len(split) - SHOPPERS + 1))
    stop = start + SHOPPERS
    first, last = split.relevant.indptr[start], split.relevant.indptr[stop]
    return replace(
        split,
        requests=split.requests.part(start, stop),
        relevant=split.relevant.part(start, stop),
        users=split.users[start:stop],
        cold_user=split.cold_user[start:stop],
        cold_item=split.cold_item[first:last],
        seen_item=split.seen_item[first:last],
    )


def tuning_split(data: Dataset, config: PipelineConfig) -> Split:
    """The validation part of what `evaluate` would use: it knows nothing of the test part."""
    share = config.train.validation_share
    if data.timed and config.train.validation != "leave-one-out":
        try:
            split = temporal(data, part="validation", test_share=share, validation_share=share)
        except NotEnoughDataError:
            return leave_one_out(data, part="validation")
        if len(split) >= config.fusion.min_requests:
            return split
    return leave_one_out(data, part="validation")
