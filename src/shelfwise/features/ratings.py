"""Stars and sentiment of each product's reviews, as numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from shelfwise.core.dataset import Events
from shelfwise.features.sentiment import lexicon_scores
from shelfwise.features.vectors import DAY_MS

RATING_PRIOR = 5.0
"""Reviews that a product's mean must outweigh to leave the shop's (Bayesian mean)."""
HALF_LIFE_DAYS = 365.0
"""A review counts half as much in the recent mean for each this many days before the newest."""


@dataclass(frozen=True)
class ItemRatings:
    """Per item code; NaN where there is no rating (or no text)."""

    n: NDArray[np.float32]
    """Ratings, or reviews where they carry no stars."""
    mean: NDArray[np.float32]
    """In standard deviations of the shop's ratings from the shop's mean, as the next two."""
    shrunk: NDArray[np.float32]
    recent: NDArray[np.float32]
    sentiment: NDArray[np.float32]
    """Of the texts, -1 to 1, shrunk to 0."""

    def columns(self) -> NDArray[np.float32]:
        """[n_items, 5] in the order of the item vector; the count as log1p."""
        return np.column_stack(
            [np.log1p(self.n), self.mean, self.shrunk, self.recent, self.sentiment]
        ).astype(np.float32)

    @classmethod
    def of(
        cls, reviews: pa.Table, events: Events, n_items: int, *, sentiment: bool = True
    ) -> ItemRatings:
        """Ratings from the reviews or, in a shop without reviews, from rated events."""
        item = reviews.column("item").to_numpy(zero_copy_only=False)
        texts = np.zeros(n_items, np.float32)
        score = np.full(n_items, np.nan, np.float32)
        known = item >= 0
        if known.any():
            texts = np.bincount(item[known], minlength=n_items).astype(np.float32)
            if sentiment:
                score = _mean_sentiment(reviews, item, n_items)
        rated, stars, time_ms = _stars(reviews, events)
        n = np.bincount(rated, minlength=n_items).astype(np.float32)
        z = (stars - stars.mean()) / (stars.std() or 1.0) if len(stars) else stars
        total = np.bincount(rated, z, n_items)
        weight = 0.5 ** ((time_ms.max(initial=0) - time_ms) / (DAY_MS * HALF_LIFE_DAYS))
        recent = np.bincount(rated, z * weight, n_items)
        recent_weight = np.bincount(rated, weight, n_items)
        shrunk = total / (n + RATING_PRIOR) if len(stars) else np.full(n_items, np.nan)
        return cls(
            n=np.maximum(n, texts),
            mean=_ratio(total, n),
            shrunk=shrunk.astype(np.float32),
            recent=_ratio(recent, recent_weight),
            sentiment=score,
        )


def _stars(
    reviews: pa.Table, events: Events
) -> tuple[NDArray[np.int32], NDArray[np.float64], NDArray[np.float64]]:
    """Item, stars and time (0 where unknown) of each rating."""
    item = reviews.column("item").to_numpy(zero_copy_only=False)
    stars = reviews.column("rating").to_numpy(zero_copy_only=False).astype(np.float64)
    time_ms = reviews.column("time_ms").to_numpy(zero_copy_only=False).astype(np.float64)
    if not np.isfinite(stars).any():
        item, stars = events.item, events.rating.astype(np.float64)
        time_ms = events.time_ms.astype(np.float64)
    used = np.isfinite(stars) & (item >= 0)
    return item[used], stars[used], np.nan_to_num(time_ms[used])


def _mean_sentiment(
    reviews: pa.Table, item: NDArray[np.int32], n_items: int
) -> NDArray[np.float32]:
    known = item >= 0
    score = lexicon_scores(reviews.column("text").to_pylist())[known]
    n = np.bincount(item[known], minlength=n_items)
    out: NDArray[np.float64] = np.bincount(item[known], score, n_items) / (n + RATING_PRIOR)
    return np.where(n > 0, out, np.nan).astype(np.float32)


def _ratio(top: NDArray[Any], bottom: NDArray[Any]) -> NDArray[np.float32]:
    out = np.full(len(top), np.nan)
    np.divide(top, bottom, out=out, where=bottom > 0)
    return out.astype(np.float32)
