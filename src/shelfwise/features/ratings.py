"""Stars of each product, as numbers: mean, shrunk mean, and a mean that favours recent ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from shelfwise.core.dataset import Events
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
    shop_mean: float
    """Stars; NaN without any."""
    shop_spread: float
    """Standard deviation of the stars; NaN without any, 1 where all are the same."""

    def columns(self) -> NDArray[np.float32]:
        """[n_items, 4] in the order of the item vector; the count as log1p."""
        return np.column_stack([np.log1p(self.n), self.mean, self.shrunk, self.recent])

    def stars(self, z: float) -> float:
        """Stars from standard deviations."""
        return self.shop_mean + z * self.shop_spread

    @classmethod
    def of(cls, reviews: pa.Table, events: Events, n_items: int) -> ItemRatings:
        """Ratings from the reviews or, where no review has stars, from rated events."""
        item = reviews.column("item").to_numpy(zero_copy_only=False)
        texts = np.bincount(item[item >= 0], minlength=n_items)
        rated, stars, time_ms = _stars(reviews, events)
        some = len(stars) > 0
        shop_mean = float(stars.mean()) if some else float("nan")
        shop_spread = float(stars.std()) or 1.0 if some else float("nan")
        n = np.bincount(rated, minlength=n_items)
        z = (stars - shop_mean) / shop_spread
        total = np.bincount(rated, z, n_items)
        weight = 0.5 ** ((time_ms.max(initial=0) - time_ms) / (DAY_MS * HALF_LIFE_DAYS))
        recent = np.bincount(rated, z * weight, n_items)
        shrunk = total / (n + RATING_PRIOR) if some else np.full(n_items, np.nan)
        return cls(
            n=np.maximum(n, texts).astype(np.float32),
            mean=_ratio(total, n),
            shrunk=shrunk.astype(np.float32),
            recent=_ratio(recent, np.bincount(rated, weight, n_items)),
            shop_mean=shop_mean,
            shop_spread=shop_spread,
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


def _ratio(top: NDArray[Any], bottom: NDArray[Any]) -> NDArray[np.float32]:
    out = np.full(len(top), np.nan)
    np.divide(top, bottom, out=out, where=bottom > 0)
    return out.astype(np.float32)
