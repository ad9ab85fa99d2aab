"""What buyers of the demo shop say afterwards: stars, words, and parcels sent back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shelfwise.ingest.demo_visits import DAY_MS, Act
from shelfwise.ingest.demo_words import (
    BAD,
    FLAT,
    GOOD,
    HAPPY_TITLES,
    MIDDLING_TITLES,
    MIXED,
    OPENINGS,
    SHELVES,
    UNHAPPY_TITLES,
)
from shelfwise.ingest.demo_world import World

CLEAR = 0.35
"""How far from middling a part must feel to be praised or blamed."""


@dataclass(frozen=True)
class Review:
    """One review, in codes."""

    user: int
    item: int
    time_ms: int
    rating: int
    title: str
    text: str
    helpful: int


def after_purchases(
    world: World,
    liking: NDArray[np.float64],
    purchases: Sequence[Act],
    until_ms: int,
    rng: np.random.Generator,
) -> tuple[list[Act], list[Review]]:
    """The ratings and refunds that purchases lead to before `until_ms`, and the reviews."""
    acts: list[Act] = []
    reviews: list[Review] = []
    for bought in purchases:
        days_later = 3 + rng.exponential(8)
        moment = bought.time_ms + int(days_later * DAY_MS)
        if moment >= until_ms:
            continue
        quality = float(world.quality[bought.item])
        if rng.random() < 1.0 / (1.0 + np.exp(3.2 + 0.9 * quality)):
            acts.append(bought._replace(kind="refund", time_ms=moment))
        if rng.random() < 0.4:
            review = _review(world, bought, float(liking[bought.user, bought.item]), moment, rng)
            acts.append(Act(bought.user, bought.item, "rate", moment, -1, rating=review.rating))
            if rng.random() < 0.75:
                reviews.append(review)
    return acts, reviews


def _review(
    world: World, bought: Act, liking: float, moment: int, rng: np.random.Generator
) -> Review:
    names = SHELVES[world.shelf[bought.item]].aspects
    n = int(rng.integers(1, min(3, len(names)) + 1))
    chosen = rng.choice(len(names), n, replace=False)
    felt = world.aspect_quality[bought.item, chosen] + rng.normal(0, 0.5, n)
    overall = 0.5 * world.quality[bought.item] + 0.7 * float(felt.mean()) + 0.25 * liking
    rating = int(np.clip(np.round(3.7 + overall + rng.normal(0, 0.5)), 1, 5))
    sentences = _sentences([names[c] for c in chosen], felt.tolist(), rng)
    titles: tuple[str, ...] = UNHAPPY_TITLES if rating <= 2 else MIDDLING_TITLES
    titles = HAPPY_TITLES if rating >= 4 else titles
    return Review(
        user=bought.user,
        item=bought.item,
        time_ms=moment,
        rating=rating,
        title=_one_of(titles, rng),
        text=" ".join(part for part in (_one_of(OPENINGS, rng), *sentences) if part),
        helpful=int(rng.poisson(0.6)),
    )


def _sentences(names: list[str], felt: list[float], rng: np.random.Generator) -> Iterator[str]:
    best, worst = int(np.argmax(felt)), int(np.argmin(felt))
    mixed = felt[best] > CLEAR and felt[worst] < -CLEAR and rng.random() < 0.5
    if mixed:
        yield _one_of(MIXED, rng).format(a=names[best], b=names[worst])
    for place, (name, feeling) in enumerate(zip(names, felt, strict=True)):
        if mixed and place in {best, worst}:
            continue
        said = FLAT if abs(feeling) <= CLEAR else GOOD if feeling > 0 else BAD
        yield _one_of(said, rng).format(a=name)


def _one_of(choices: Sequence[str], rng: np.random.Generator) -> str:
    return choices[int(rng.integers(len(choices)))]
