"""Whether a new version may answer: it must not be surely worse than the one that answers now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from shelfwise.core.dataset import Dataset
from shelfwise.core.errors import NotEnoughDataError
from shelfwise.core.requests import Requests
from shelfwise.evaluation.splits import Split, temporal_at, temporal_cuts
from shelfwise.pipeline.calibrate import unseen_ranker
from shelfwise.pipeline.fit import Fitted, Learnt, fit_models
from shelfwise.pipeline.live import LiveShop
from shelfwise.pipeline.paired import (
    ENOUGH,
    Answerer,
    Paired,
    Unpaired,
    by_relevance,
    compared,
    some_of,
)
from shelfwise.pipeline.progress import Progress
from shelfwise.pipeline.recommend import recommend_top
from shelfwise.pipeline.settings import PipelineConfig

WORSE_BELOW: Final = 0.8
"""Where two versions cannot be asked the same, a new one whose own held-out NDCG is below this
share of the current one's is not promoted."""
_LEARNING: Final = ("models", "fusion", "seen", "train")
"""Sections of the settings that change what is learnt."""


@dataclass(frozen=True)
class Rival:
    """The version that answers while another one is trained."""

    live: LiveShop
    """Products as they are now, shoppers as they were when it was trained."""
    learnt_until_ms: int
    """Time of the last event it learnt from."""
    same_settings: bool
    """Whether it was trained with the settings, and by the program, of now."""

    @classmethod
    def of(cls, live: LiveShop, about: Mapping[str, Any], config: PipelineConfig) -> Rival:
        """The version whose account is `about`."""
        now = config.model_dump(mode="json")
        same = all(_lasting(now, part) == _lasting(about["config"], part) for part in _LEARNING)
        same &= about.get("made_by") == program()
        return cls(live, about["last_event_ms"], same)


NO_RIVAL: Final = Unpaired("there was no version to compare with")


def compare_with(
    rival: Rival | Unpaired,
    data: Dataset,
    early: Fitted,
    split: Split,
    learnt: Learnt,
    config: PipelineConfig,
    progress: Progress,
) -> Paired | Unpaired:
    """The version in the making against the rival, on choices that neither learnt from.

    The new one answers through the models `early`, which know nothing of `split`, where that is a
    window of time that the rival knows nothing of either. Else models are fitted once more, on
    what was before the latest such window. Where the window begins only where the rival's
    knowledge ends, that is done for other settings alone: the same ones would bring forth the
    rival again.
    """
    if isinstance(rival, Unpaired):
        return rival
    if not data.timed:
        return Unpaired("the events have no times, so what is new since then is not known")
    if split.cut_ms is not None and split.cut_ms > rival.learnt_until_ms:
        return _asked_both(rival, data, early, split, learnt, config, progress)
    later = _later(rival, data, split, config)
    if isinstance(later, Unpaired):
        return later
    fitted = fit_models(later.train, config, progress, label="to compare versions")
    return _asked_both(rival, data, fitted, later, learnt, config, progress)


def _later(rival: Rival, data: Dataset, split: Split, config: PipelineConfig) -> Split | Unpaired:
    """The latest window of time, or as much of it as the rival has not learnt from."""
    since, share = rival.learnt_until_ms + 1, config.train.validation_share
    try:
        cut = max(since, temporal_cuts(data, share, share)[1])
        if cut == since and rival.same_settings:
            return Unpaired("it had learnt from held-out choices, and its settings are the same")
        later = temporal_at(data, cut, target_types=split.target_types)
    except NotEnoughDataError:
        return Unpaired("nothing was chosen after what it had learnt from")
    if len(later) < ENOUGH:
        return Unpaired(f"only {len(later)} requests are later than what it had learnt from")
    return later


def _asked_both(
    rival: Rival,
    data: Dataset,
    fitted: Fitted,
    split: Split,
    learnt: Learnt,
    config: PipelineConfig,
    progress: Progress,
) -> Paired | Unpaired:
    rng = np.random.default_rng([config.train.seed, 3])
    by = unseen_ranker(split.users, learnt, rng)
    asked = np.flatnonzero(by >= 0)
    asked = asked[some_of(len(asked), rng)]
    if len(asked) < ENOUGH:
        return Unpaired(f"only {len(asked)} held-out requests are fair to both")
    requests, relevant = split.requests.take(asked), split.relevant.take(asked)
    progress("comparing with the current version", 0, 2)
    k = config.fusion.k
    new = _answers(fitted, requests, by[asked], learnt, config, k)
    progress("comparing with the current version", 1, 2)
    old = Answerer.of(rival.live, data.items).top(requests, k)
    progress("comparing with the current version", 2, 2)
    return compared(
        new,
        old,
        relevant,
        against=rival.live.version,
        since_ms=split.cut_ms or 0,
        seed=config.train.seed,
    )


def _answers(
    fitted: Fitted,
    requests: Requests,
    by: NDArray[np.int64],
    learnt: Learnt,
    config: PipelineConfig,
    k: int,
) -> NDArray[np.int32]:
    """[n_requests, k] the answers of rankers that have learnt nothing from the request."""
    rankers = [ranker for _, ranker in learnt.choice.unseen_by] + [learnt.choice.ranker]
    top = np.empty((len(requests), k), np.int32)
    for which in np.unique(by).tolist():
        rows = np.flatnonzero(by == which)
        engine = by_relevance(fitted.engine(rankers[which], config))
        top[rows] = recommend_top(engine, requests.take(rows), k)
    return top


@dataclass(frozen=True)
class Verdict:
    """Whether a new version answers from now on, and why."""

    promoted: bool
    says: str
    paired: Paired | None = None


def verdict(
    before: str | None,
    *,
    pinned: bool,
    how: Literal["auto", "always", "never"],
    tried: Paired | Unpaired,
    own: tuple[float | None, float | None],
) -> Verdict:
    """What becomes of a new version, where `before` answers now (None: there is none yet).

    `own` are the held-out NDCGs of the new version and of `before`, each of its own requests.
    """
    if before is None:
        return Verdict(True, "It is the first version.")
    if how == "always":
        return Verdict(True, f"It replaces version {before}, by train.promote = always.")
    if pinned or how == "never":
        cause = "is pinned and" if pinned else "by train.promote = never"
        stays = f"Version {before} {cause} keeps answering."
        return _with(tried, False, stays) if isinstance(tried, Paired) else Verdict(False, stays)
    if isinstance(tried, Unpaired):
        return _by_own_figures(before, tried, own)
    if tried.surely_worse:
        return _with(tried, False, f"It is surely worse: version {before} keeps answering.")
    return _with(tried, True, f"It replaces version {before}.")


def _with(paired: Paired, promoted: bool, says: str) -> Verdict:
    return Verdict(promoted, f"{says} {paired.says()}", paired)


def _by_own_figures(
    before: str, tried: Unpaired, own: tuple[float | None, float | None]
) -> Verdict:
    new, old = own
    apart = f"The two could not be asked the same: {tried.why}."
    if new is None or old is None:
        return Verdict(True, f"It replaces version {before}. {apart}")
    apart += f" Each on its own held-out requests, NDCG {new:.4f} against {old:.4f}"
    if new < WORSE_BELOW * old:
        stays = f"Version {before} keeps answering."
        return Verdict(False, f"{stays} {apart}, below {WORSE_BELOW:.0%} of it.")
    return Verdict(True, f"It replaces version {before}. {apart}.")


def program() -> str:
    """The version of Shelfwise that runs."""
    return version("shelfwise")


def _lasting(config: Mapping[str, Any], part: str) -> dict[str, Any]:
    """The settings of a section, but for that of promotion itself."""
    return {key: value for key, value in config.get(part, {}).items() if key != "promote"}
