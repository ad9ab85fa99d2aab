"""What one model's lists are worth on a split: everything a report says about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from shelfwise.core.ragged import Ragged
from shelfwise.evaluation.calibration import ProbabilityFit, category_calibration, probability_fit
from shelfwise.evaluation.metrics import Scores, score_lists
from shelfwise.evaluation.popularity import (
    ITEM_SEGMENTS,
    average_popularity,
    exposure,
    mean_of_known,
    novelty,
    popularity_bias,
    popularity_lift,
)
from shelfwise.evaluation.variety import coverage, gini, intra_list_diversity
from shelfwise.evaluation.yardstick import Yardstick


@dataclass(frozen=True)
class ListFigures:
    """What all lists of a model look like together, whatever was wanted; NaN: not known."""

    coverage: float
    gini: float
    novelty: float
    popularity_bias: float
    average_popularity: float
    popularity_lift: float
    category_diversity: float
    brand_diversity: float
    content_diversity: float
    category_calibration: float
    exposure: dict[str, float]
    """Per item segment, its share of all places."""


@dataclass(frozen=True)
class ModelResult:
    """How one model did on every request of a split."""

    name: str
    scores: Scores
    by_items: Mapping[str, Scores]
    """The same where only some items are to be found: `warm` ones, known in training, and those of
    each item segment; NaN where a request wants none of them."""
    purchases: Scores | None
    """Gains are units bought; None where nothing was."""
    revenue: Scores | None
    """Gains are money paid; None where no price is known."""
    lists: ListFigures
    fit_seconds: float
    probability: ProbabilityFit | None = field(default=None)
    """Of a place in a list to be relevant; None where the model promises none."""


def measure(
    yardstick: Yardstick,
    name: str,
    top: NDArray[np.int32],
    k: int,
    *,
    fit_seconds: float,
    promised: NDArray[np.float64] | None = None,
) -> ModelResult:
    """How the lists `top` ([n_requests, at least k], best first, -1 padded) do on the yardstick.

    `promised`, of the same shape, is the model's probability that each place is relevant.
    """
    split, worth = yardstick.split, yardstick.worth
    return ModelResult(
        name=name,
        scores=score_lists(top, split.relevant, k),
        by_items={
            kind: score_lists(top, only(split.relevant, wanted), k)
            for kind, wanted in item_kinds(yardstick).items()
        },
        purchases=None if worth is None else score_lists(top, split.relevant, k, worth.units),
        revenue=(
            score_lists(top, split.relevant, k, worth.revenue)
            if worth is not None and worth.revenue.any()
            else None
        ),
        lists=list_figures(yardstick, top[:, :k]),
        fit_seconds=fit_seconds,
        probability=(
            None if promised is None else _probability_fit(yardstick, top[:, :k], promised[:, :k])
        ),
    )


def item_kinds(yardstick: Yardstick) -> dict[str, NDArray[np.bool_]]:
    """Per kind of item, which values of the split's `relevant` are of it."""
    segment = yardstick.segment[yardstick.split.relevant.values]
    return {"warm": ~yardstick.split.cold_item} | {
        name: segment == code for code, name in enumerate(ITEM_SEGMENTS)
    }


def only(lists: Ragged, kept: NDArray[np.bool_]) -> Ragged:
    """The lists with the values where `kept` is true."""
    running = np.zeros(len(kept) + 1, np.int64)
    np.cumsum(kept, out=running[1:])
    return Ragged(running[lists.indptr], lists.values[kept])


def list_figures(yardstick: Yardstick, shown: NDArray[np.int32]) -> ListFigures:
    """The figures of the lists `shown` ([n_requests, k], -1 padded)."""
    n_items, popularity = yardstick.split.train.n_items, yardstick.popularity
    diversity = {
        name: mean_of_known(intra_list_diversity(shown, rows))
        for name, rows in yardstick.vectors.items()
    }
    nan = float("nan")
    return ListFigures(
        coverage=coverage(shown, n_items),
        gini=gini(shown, n_items),
        novelty=novelty(shown, popularity),
        popularity_bias=popularity_bias(shown, popularity),
        average_popularity=average_popularity(shown, popularity),
        popularity_lift=popularity_lift(shown, yardstick.chosen, popularity),
        category_diversity=diversity.get("category", nan),
        brand_diversity=diversity.get("brand", nan),
        content_diversity=diversity.get("content", nan),
        category_calibration=mean_of_known(
            category_calibration(shown, yardstick.chosen, yardstick.category)
        ),
        exposure=exposure(shown, yardstick.segment),
    )


def _probability_fit(
    yardstick: Yardstick, shown: NDArray[np.int32], promised: NDArray[np.float64]
) -> ProbabilityFit:
    row, place = np.nonzero(shown >= 0)
    n_items = yardstick.split.train.n_items
    wanted = yardstick.split.relevant
    pairs = wanted.rows().astype(np.int64) * n_items + wanted.values
    happened = np.isin(row * n_items + shown[row, place], pairs)
    return probability_fit(promised[row, place].astype(np.float64), happened)
