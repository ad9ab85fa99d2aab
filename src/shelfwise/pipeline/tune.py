"""Searches the models' settings on the validation part alone, within a time budget.

Each model in turn tries what a tree-structured Parzen estimator proposes (Bergstra et al., NIPS
2011), on rolling-origin folds in time; a try that falls below the median of the others after a
fold is given up. A setting is kept only when a paired bootstrap over
validation shoppers finds it surely better than the current one. Many tries on the same shoppers
still flatter the winner, so what `after` says is an upper guess; `evaluate` on the test part, which
plays no part here, has the honest figure.
"""

from __future__ import annotations

import hashlib
import time
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from shelfwise.core.dataset import Dataset
from shelfwise.core.errors import NotEnoughDataError
from shelfwise.core.model import Model
from shelfwise.core.settings import Settings
from shelfwise.evaluation.intervals import difference
from shelfwise.evaluation.metrics import score_lists
from shelfwise.evaluation.splits import (
    Split,
    leave_one_out,
    rolling_origin,
    temporal_cuts,
)
from shelfwise.features.catalogue import Catalogue
from shelfwise.pipeline.budget import models_for
from shelfwise.pipeline.models import ModelsConfig, fit_model
from shelfwise.pipeline.progress import Progress
from shelfwise.pipeline.recommend import part_size
from shelfwise.pipeline.retrieve import allowed_scores
from shelfwise.pipeline.settings import PipelineConfig
from shelfwise.rerank.seen import Seen, SeenPolicy
from shelfwise.retrieval.topk import top_k

if TYPE_CHECKING:
    from optuna import Study
    from optuna.trial import Trial

K: Final = 10
SHOPPERS: Final = 5000
"""Validation shoppers measured at most, drawn once."""
FOLDS: Final = 2
"""Folds in time that every setting is measured on."""
SURE: Final = 0.05
"""A change is kept when the paired bootstrap's p-value is below this."""


@dataclass(frozen=True)
class Span:
    """Where a number may lie; `log` searches its logarithm."""

    low: float
    high: float
    log: bool = False
    whole: bool = False

    def suggest(self, trial: Trial, key: str) -> float:
        """The value that the trial's sampler proposes."""
        if self.whole:
            return trial.suggest_int(key, int(self.low), int(self.high), log=self.log)
        return self.rounded(trial.suggest_float(key, self.low, self.high, log=self.log))

    def rounded(self, value: float) -> float:
        """The value as it is written into `shop.toml`: three digits say enough."""
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
    """Settings tried in this and earlier runs on the same data, those given up early included."""
    p_value: float | None = None
    """Of the paired bootstrap that found the settings better; None where nothing was kept."""

    def says(self) -> str:
        """The evidence in a line."""
        return (
            f"tuned: validation NDCG@{K} {self.before:.4f} -> {self.after:.4f}"
            f" in {self.tries} tries, p = {self.p_value or 1:.3f}"
        )


def tune(
    folds: Sequence[Split],
    config: PipelineConfig,
    minutes: float,
    progress: Progress,
    *,
    journal: Path | None = None,
) -> list[Tuned]:
    """Better settings of each trained model for validation `folds`, found in `minutes`.

    With `journal`, a file, every try is kept as soon as it is made: a search that was killed goes
    on from there on the same data and settings.
    """
    seen: Seen = "exclude" if folds[0].protocol == "leave-one-out" else "auto"
    rng = np.random.default_rng([config.train.seed, 2])
    asked = [_asked(split, config, seen, rng) for split in folds]
    end = time.monotonic() + 60 * minutes
    searches = {
        name: _Search.of(name, asked, config, journal)
        for name in models_for(folds[0].train, config)
        if name in SPACES
    }
    spent = dict.fromkeys(searches, 0.0)
    while searches and (min(spent.values()) <= 0 or time.monotonic() < end):
        name = min(spent, key=spent.__getitem__)  # each model gets the same time
        start = time.monotonic()
        progress("tuning: " + name, int(60 * minutes - max(0.0, end - start)), int(60 * minutes))
        searches[name].one_more()
        spent[name] += time.monotonic() - start
    return [search.found() for search in searches.values()]


@dataclass(frozen=True)
class _Asked:
    """One fold's requests, and what they must not be shown."""

    split: Split
    policy: SeenPolicy
    seen: Seen


def _asked(split: Split, config: PipelineConfig, seen: Seen, rng: np.random.Generator) -> _Asked:
    leaf = Catalogue.of(split.train.products, split.train.events).leaf
    return _Asked(_sample(split, rng), SeenPolicy.fit(split.train, leaf, config.seen), seen)


@dataclass
class _Search:
    """The tries of one model; the first is the shop's own settings."""

    name: str
    asked: Sequence[_Asked]
    config: PipelineConfig
    study: Study
    base: NDArray[np.float64] | None = None
    """[n_requests of all folds] NDCG@10 of the shop's settings."""
    best: tuple[float, dict[str, float], NDArray[np.float64]] | None = None
    """Mean of the folds, settings and NDCG@10 of the best try of this run."""

    @classmethod
    def of(
        cls, name: str, asked: Sequence[_Asked], config: PipelineConfig, journal: Path | None
    ) -> _Search:
        """The search as far as the journal has it."""
        import optuna  # noqa: PLC0415 - only tuning needs it, and it loads slowly
        from optuna.storages.journal import JournalFileBackend  # noqa: PLC0415

        optuna.logging.set_verbosity(optuna.logging.WARNING)
        storage = None
        if journal is not None:
            journal.parent.mkdir(parents=True, exist_ok=True)
            backend = JournalFileBackend(str(journal))
            storage = optuna.storages.JournalStorage(backend)
        study = optuna.create_study(
            storage=storage,
            study_name=_study_name(name, asked, config),
            load_if_exists=True,
            direction="maximize",
            pruner=optuna.pruners.MedianPruner(n_startup_trials=5),
        )
        made = len(study.trials)
        study.sampler = optuna.samplers.TPESampler(seed=config.train.seed + made)
        return cls(name, asked, config, study)

    def one_more(self) -> None:
        """Tries the next settings that the sampler proposes, fold by fold while they look good."""
        from optuna.trial import TrialState  # noqa: PLC0415

        if self.base is None:
            self.base = np.concatenate([self._ndcg(one, {}) for one in self.asked])
            return
        trial = self.study.ask()
        drawn = {key: span.suggest(trial, key) for key, span in SPACES[self.name].items()}
        reached: list[NDArray[np.float64]] = []
        for step, one in enumerate(self.asked):
            reached.append(self._ndcg(one, drawn))
            trial.report(float(np.mean([part.mean() for part in reached])), step)
            if step + 1 < len(self.asked) and trial.should_prune():
                self.study.tell(trial, state=TrialState.PRUNED)
                return
        value = float(np.mean([part.mean() for part in reached]))
        self.study.tell(trial, value)
        if self.best is None or value > self.best[0]:
            self.best = (value, drawn, np.concatenate(reached))

    def found(self) -> Tuned:
        """The best try where a paired test finds it surely better, else the settings as they are.

        A best try of an earlier run is measured again, since its single values were not kept.
        """
        if self.base is None:
            self.one_more()
        assert self.base is not None  # noqa: S101 - one_more has just set it
        tries, before = len(self.study.trials), float(self.base.mean())
        best = self._best_ever()
        if best is not None:
            gain = difference(best[1], self.base, self.config.train.seed)
            if gain.mean > 0 and gain.p_value < SURE:
                after = float(best[1].mean())
                return Tuned(self.name, best[0], before, after, tries, gain.p_value)
        return Tuned(self.name, {}, before, before, tries)

    def _best_ever(self) -> tuple[dict[str, float], NDArray[np.float64]] | None:
        from optuna.trial import TrialState  # noqa: PLC0415

        finished = self.study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
        if not finished:
            return None
        first = max(finished, key=lambda one: one.value or 0.0)
        if self.best is not None and self.best[0] >= (first.value or 0.0):
            return self.best[1], self.best[2]
        drawn = {key: span.rounded(first.params[key]) for key, span in SPACES[self.name].items()}
        return drawn, np.concatenate([self._ndcg(one, drawn) for one in self.asked])

    def _ndcg(self, one: _Asked, drawn: Mapping[str, float]) -> NDArray[np.float64]:
        own: Settings = getattr(self.config.models, self.name)
        settings = type(own).model_validate(own.model_dump() | dict(drawn))
        return _ndcg(self.name, settings, one.split, one.policy, self.config, one.seen)


def _study_name(name: str, asked: Sequence[_Asked], config: PipelineConfig) -> str:
    """A name that changes with the data, the folds and the settings that the search starts from."""
    folds = [(len(one.split.train.events), len(one.split), one.split.cut_ms) for one in asked]
    own = getattr(config.models, name).model_dump_json()
    said = repr((name, folds, own, config.train.seed, sorted(SPACES[name].items())))
    return f"{name}-{hashlib.sha256(said.encode()).hexdigest()[:12]}"


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


def tuning_folds(data: Dataset, config: PipelineConfig) -> list[Split]:
    """Validation folds that know nothing of what `evaluate` tests on.

    Windows of time before its cut; each shopper's last item but one where times or shoppers are
    few, and that too before the cut where there is one.
    """
    share = config.train.validation_share
    if not data.timed:
        return [leave_one_out(data, part="validation")]
    try:
        known = data.before(temporal_cuts(data, share, share)[1])
        if config.train.validation == "leave-one-out":
            return [leave_one_out(known, part="validation")]
        folds = rolling_origin(known, FOLDS, share)
        enough = min(len(fold) for fold in folds) >= config.fusion.min_requests
        return folds if enough else [leave_one_out(known, part="validation")]
    except NotEnoughDataError:
        return [leave_one_out(data, part="validation")]
