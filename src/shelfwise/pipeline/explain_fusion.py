"""What the fusion is made of: each source's worth, each alternative's, and why the choice fell so.

Everything is of requests held out when it was measured, and is stored with the model version;
`measured_anew` fits the served kind of ranker again without each source, which takes a training.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from shelfwise.core.dataset import Dataset
from shelfwise.core.errors import NotEnoughDataError
from shelfwise.pipeline.fit import fit_models, learn_fusion, validation_split
from shelfwise.pipeline.progress import Progress
from shelfwise.pipeline.settings import PipelineConfig
from shelfwise.ranking.fused import FusionReport
from shelfwise.ranking.outlook import OutcomeReport


@dataclass(frozen=True)
class SourceShare:
    """One source among the others."""

    source: str
    ndcg_alone: float
    share_of_score: float | None
    """What it gives to the served score of the first rows, on average; None: not measured."""
    lift: float | None
    """What the ranker `lift_of` gains by it: its NDCG less that without the source."""
    lift_ci95: tuple[float, float] | None
    weights: dict[str, float]
    """Weight of each of its standardised features in the linear part, by role."""
    most_like: str | None
    """The source whose scores are most like its own."""
    correlation: float | None
    """Pearson's r of the two's standard scores."""


@dataclass(frozen=True)
class AlternativeRow:
    """One way of fusing, against the best simpler one."""

    kind: str
    ndcg: float
    over: str | None
    """What it was compared with; None: it was only measured."""
    difference: float | None
    certainty: float | None
    """Share of bootstrap samples of the held-out requests in which it is better."""
    taken: bool
    """It took the place of what it was compared with."""
    serves: bool
    fit_seconds: float | None
    """Processor time."""


@dataclass(frozen=True)
class FusionExplanation:
    """The whole, as `shelfwise explain-fusion --json` writes it."""

    version: str
    says: str
    chosen: str
    k: int
    requests: int
    held_out: int
    ceiling: float
    """NDCG of a perfect order of the same candidates."""
    lift_of: str
    """The kind of ranker that was fitted without each source."""
    sources: tuple[SourceShare, ...]
    """The largest lift first."""
    alternatives: tuple[AlternativeRow, ...]
    features: dict[str, float]
    """The ten largest weights of features of shopper and product, in the linear part."""
    probabilities: dict[str, OutcomeReport]


def explained(about: Mapping[str, Any], version: str) -> FusionExplanation:
    """The explanation of a stored version, from its `about`."""
    report = msgspec.convert(about["fusion"], FusionReport)
    probabilities = msgspec.convert(about.get("probabilities", {}), dict[str, OutcomeReport])
    return _explained(report, probabilities, tuple(about["models"]), version)


def measured_anew(
    data: Dataset, config: PipelineConfig, stored: FusionExplanation, progress: Progress
) -> FusionExplanation:
    """The explanation with the lifts of the served kind of ranker, fitted without each source."""
    kinds = (*config.fusion.rankers, "linear")
    drop_one = stored.chosen if stored.chosen in kinds else "linear"
    fusion = config.fusion.model_copy(update={"drop_one": drop_one})
    config = config.model_copy(update={"fusion": fusion})
    split = validation_split(data, config)
    fitted = fit_models(split.train, config, progress, label="before validation")
    report = learn_fusion(fitted, split, config, progress).report
    if not report.without_source:
        raise NotEnoughDataError(
            f"{report.learnable} requests to learn from, and {len(fitted.models)} sources: nothing"
            " can be left out.",
            remedy="Ingest a longer period, or train more models.",
        )
    return _explained(report, stored.probabilities, tuple(fitted.models), stored.version)


def _explained(
    report: FusionReport,
    probabilities: dict[str, OutcomeReport],
    models: tuple[str, ...],
    version: str,
) -> FusionExplanation:
    of_sources = tuple(f"{name}." for name in (*models, "sources"))
    features = {
        name: weight for name, weight in report.weights.items() if not name.startswith(of_sources)
    }
    largest = sorted(features, key=lambda name: -abs(features[name]))[:10]
    sources = [_source(report, name) for name in models]
    sources.sort(key=lambda one: -(one.lift or 0.0))
    return FusionExplanation(
        version=version,
        says=report.says,
        chosen=report.chosen,
        k=report.k,
        requests=report.requests,
        held_out=report.held_out,
        ceiling=report.ceiling,
        lift_of=report.without_source_of,
        sources=tuple(sources),
        alternatives=_alternatives(report),
        features={name: features[name] for name in largest if features[name] != 0},
        probabilities=probabilities,
    )


def _source(report: FusionReport, name: str) -> SourceShare:
    lost = report.without_source.get(name)
    interval = report.without_source_ci95.get(name)
    alike = report.correlation.get(name, {})
    other = max(alike, key=lambda one: alike[one]) if alike else None
    return SourceShare(
        source=name,
        ndcg_alone=report.ndcg_single.get(name, 0.0),
        share_of_score=report.influence.get(name),
        lift=None if lost is None else -lost,
        lift_ci95=None if interval is None else (-interval[1], -interval[0]),
        weights={
            feature.removeprefix(f"{name}."): weight
            for feature, weight in report.weights.items()
            if feature.startswith(f"{name}.")
        },
        most_like=other,
        correlation=None if other is None else alike[other],
    )


def _alternatives(report: FusionReport) -> tuple[AlternativeRow, ...]:
    compared = {one.kind: one for one in report.compared}
    rows = []
    for kind, ndcg in report.ndcg.items():
        step = compared.get(kind)
        rows.append(
            AlternativeRow(
                kind=kind,
                ndcg=ndcg,
                over=step.over if step else None,
                difference=step.difference if step else None,
                certainty=step.certainty if step else None,
                taken=bool(step and step.taken),
                serves=kind == report.chosen,
                fit_seconds=report.fit_seconds.get(kind),
            )
        )
    return tuple(rows)
