"""Runs an honest test: fit on the past, fuse on a later past, ask about what came after."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from shelfwise.core.dataset import Dataset
from shelfwise.core.errors import BadInputError
from shelfwise.core.model import Model
from shelfwise.evaluation.leaks import assert_no_future
from shelfwise.evaluation.measure import measure
from shelfwise.evaluation.report import EvaluationReport, summarise
from shelfwise.evaluation.splits import Split, leave_one_out, temporal
from shelfwise.evaluation.yardstick import Yardstick
from shelfwise.pipeline.budget import Plan, planned
from shelfwise.pipeline.calibrate import learn_outlook, promises_kept
from shelfwise.pipeline.fit import Fitted, fit_models, learn_choice
from shelfwise.pipeline.progress import Progress
from shelfwise.pipeline.recommend import part_size, recommend_top
from shelfwise.pipeline.retrieve import allowed_scores
from shelfwise.pipeline.settings import PipelineConfig
from shelfwise.ranking.fused import FusedRanker
from shelfwise.rerank.seen import Seen
from shelfwise.retrieval.content import Content
from shelfwise.retrieval.topk import top_k

FUSION = "fusion"
"""What the fused pipeline is called among the models."""


@dataclass(frozen=True)
class Outcome:
    """What an evaluation found."""

    report: EvaluationReport
    ranker: FusedRanker
    """The fusion, with how it was chosen on the validation part."""
    plan: Plan
    """Which models were compared, and why these."""


def evaluate(
    data: Dataset,
    protocol: Literal["leave-one-out", "temporal"],
    config: PipelineConfig,
    progress: Progress,
    *,
    k: int = 10,
    train_on_validation: bool = True,
) -> Outcome:
    """How every model and their fusion answer the test requests of `data`.

    The fusion is learnt on the validation part with models that know nothing of it; then all
    models are fitted again on everything before the test. Every model obeys the same rule on seen
    products: all are hidden in leave-one-out, as learnt from training data in temporal.
    """
    validation, test = _splits(data, protocol, config, k, train_on_validation=train_on_validation)
    assert_no_future(validation, data)
    checks = assert_no_future(test, data)
    seen: Seen = "exclude" if protocol == "leave-one-out" else "auto"
    config, plan = planned(validation.train, config)
    progress(f"choosing models: {plan.says()}", 1, 1)
    start = time.perf_counter()
    early = fit_models(validation.train, config, progress, label="before validation")
    learnt = learn_choice(early, validation, config, progress, seen=seen)
    ranker = learnt.choice.ranker
    fusing = time.perf_counter() - start
    known = _known_at_test(data, test)
    outlook = learn_outlook(known, early, validation, learnt, config, progress, seen=seen)
    fitted = fit_models(test.train, config, progress, label="before test")
    top = _lists(fitted, test, k, progress, seen=seen)
    progress("answering: fusion", len(top), len(top) + 1)
    engine = fitted.engine(ranker, config)
    top[FUSION] = recommend_top(engine, test.requests, k, seen=seen)
    progress("answering: fusion", len(top), len(top))
    seconds = fitted.seconds | {FUSION: fusing + sum(fitted.seconds.values())}
    catalogue, content = fitted.tables.catalogue, _content(fitted, test, config)
    yardstick = Yardstick.of(test, data, catalogue=catalogue, content=content)
    results = [
        measure(yardstick, name, lists, k, fit_seconds=seconds[name]) for name, lists in top.items()
    ]
    report = summarise(
        yardstick,
        results,
        fusion=FUSION,
        k=k,
        seed=config.train.seed,
        repeat_policy="all seen are hidden" if seen == "exclude" else _seen_rule(fitted),
        leak_checks=checks,
        promises=promises_kept(data, fitted, ranker, outlook, test, config, progress, seen=seen),
    )
    return Outcome(report, ranker, plan)


def _known_at_test(data: Dataset, test: Split) -> Dataset:
    """What has happened when the test requests are asked, the validation items included."""
    if test.cut_ms is not None:
        return data.before(test.cut_ms)
    return test.train if test.trained_on_validation else leave_one_out(data).train


def _content(fitted: Fitted, test: Split, config: PipelineConfig) -> sparse.csr_matrix:
    """[n_items, …] what is written of each item, the same whichever models are compared."""
    model = fitted.models.get("content")
    if not isinstance(model, Content):
        rng = np.random.default_rng(config.train.seed)
        model = Content.fit(test.train, config.models.content, rng)
    return model.rows


def _seen_rule(fitted: Fitted) -> str:
    again = float(fitted.seen.after_having.mean()) if len(fitted.seen.after_having) else 0.0
    return f"seen are hidden, but for the {again:.0%} of products that are bought again"


def _splits(
    data: Dataset,
    protocol: str,
    config: PipelineConfig,
    k: int,
    *,
    train_on_validation: bool,
) -> tuple[Split, Split]:
    if protocol == "leave-one-out":
        return (
            leave_one_out(data, part="validation", n=k),
            leave_one_out(data, part="test", train_on_validation=train_on_validation, n=k),
        )
    if protocol == "temporal":
        share = config.train.validation_share
        return (
            temporal(data, part="validation", test_share=share, validation_share=share, n=k),
            temporal(data, part="test", test_share=share, validation_share=share, n=k),
        )
    raise BadInputError(
        f"Unknown protocol '{protocol}'.", remedy="Use temporal or leave-one-out.", field="protocol"
    )


def _lists(
    fitted: Fitted, test: Split, k: int, progress: Progress, *, seen: Seen
) -> dict[str, NDArray[np.int32]]:
    n_items = len(fitted.popular_first)
    out = {}
    for done, (name, model) in enumerate(fitted.models.items()):
        progress(f"answering: {name}", done, len(fitted.models) + 1)
        out[name] = _top_of(model, fitted, test, k, n_items, seen=seen)
    return out


def _top_of(
    model: Model, fitted: Fitted, test: Split, k: int, n_items: int, *, seen: Seen
) -> NDArray[np.int32]:
    size = part_size(1, n_items)
    parts = []
    for start in range(0, len(test), size):
        asked = test.requests.part(start, start + size)
        hidden = fitted.seen.hidden(asked.history, seen)
        parts.append(top_k(allowed_scores(model, asked, hidden, n_items), k)[0])
    return np.concatenate(parts)
