"""What one model's lists are worth on a split: everything a report says about it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shelfwise.core.dataset import Dataset
from shelfwise.core.ragged import Ragged
from shelfwise.evaluation.known import interest_mask
from shelfwise.evaluation.metrics import (
    Scores,
    coverage,
    novelty,
    popularity_bias,
    score_lists,
)
from shelfwise.evaluation.splits import Split


@dataclass(frozen=True)
class ModelResult:
    """How one model did on every request of a split."""

    name: str
    scores: Scores
    warm_items: Scores
    """The same where only items known in training are to be found; NaN where there is none."""
    coverage: float
    novelty: float
    popularity_bias: float
    fit_seconds: float


def item_popularity(train: Dataset) -> NDArray[np.int64]:
    """[n_items]: the interest events of each item in training."""
    items = train.events.item[interest_mask(train.events)]
    return np.bincount(items, minlength=train.n_items).astype(np.int64, copy=False)


def measure(
    split: Split,
    name: str,
    top: NDArray[np.int32],
    k: int,
    *,
    popularity: NDArray[np.int64],
    fit_seconds: float,
) -> ModelResult:
    """How the lists `top` ([n_requests, at least k], best first, -1 padded) do on `split`.

    `popularity` is that of `item_popularity`, made once for all models.
    """
    shown = top[:, :k]
    return ModelResult(
        name=name,
        scores=score_lists(top, split.relevant, k),
        warm_items=score_lists(top, _warm_only(split), k),
        coverage=coverage(shown, split.train.n_items),
        novelty=novelty(shown, popularity),
        popularity_bias=popularity_bias(shown, popularity),
        fit_seconds=fit_seconds,
    )


def _warm_only(split: Split) -> Ragged:
    warm = ~split.cold_item
    return Ragged.group(split.relevant.rows()[warm], split.relevant.values[warm], len(split))
