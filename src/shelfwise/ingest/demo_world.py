"""The hidden side of the demo shop: what its products are like, and what its shoppers like."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shelfwise.ingest.demo_words import ADJECTIVES, BRANDS, COLOURS, COUNTRIES, SHELVES

STYLES = 4
DAYS_OF_YEAR = 366
COMPLEMENT_CHANCE = 0.6
"""That the purchase of a product puts a shelf that goes with it on the shopper's mind."""


@dataclass(frozen=True)
class World:
    """All that is drawn before the first visit. Rows are products, shoppers, shelves, brands."""

    shelf: NDArray[np.int64]
    """Per product, its place in `SHELVES`."""
    brand: NDArray[np.int64]
    """Per product, its place in `BRANDS`."""
    kind: NDArray[np.int64]
    adjective: NDArray[np.int64]
    colour: NDArray[np.int64]
    price: NDArray[np.float64]
    quality: NDArray[np.float64]
    """Standard normal, higher for dearer brands; shoppers learn it by owning the product."""
    aspect_quality: NDArray[np.float64]
    """[n_products, 4] of each part named in its shelf's `aspects`."""
    appeal: NDArray[np.float64]
    """How well it is placed and known: log of a long-tailed weight."""
    item_style: NDArray[np.float64]
    """[n_products, STYLES]."""
    launch_day: NDArray[np.int64]
    """0: there from the start."""
    sold_out: NDArray[np.bool_]
    """Out of stock at the end."""
    activity: NDArray[np.float64]
    """Expected visits of each shopper."""
    join_day: NDArray[np.int64]
    taste: NDArray[np.float64]
    """[n_shoppers, n_shelves] chance of an errand, without season; rows sum to 1."""
    brand_affinity: NDArray[np.float64]
    """[n_shoppers, n_brands]."""
    price_level: NDArray[np.float64]
    """Log of the price a shopper is used to, against a middling one."""
    price_sensitivity: NDArray[np.float64]
    """What a price above that level costs in utility, per unit of log price."""
    user_style: NDArray[np.float64]
    """[n_shoppers, STYLES]."""
    country: NDArray[np.int64]
    """Of each shopper, its place in `COUNTRIES`; says nothing of taste."""
    season: NDArray[np.float64]
    """[n_shelves, DAYS_OF_YEAR] factor on the taste for a shelf."""
    complement: NDArray[np.float64]
    """[n_shelves, n_shelves] chance that buying from a row makes one want the column."""

    def utility(self) -> NDArray[np.float64]:
        """[n_shoppers, n_products] liking before any experience, mean about 0, spread about 1."""
        dearer = np.log(self.price / np.array([SHELVES[s].price for s in self.shelf]))
        gap = np.abs(dearer[None, :] - self.price_level[:, None])
        style = self.user_style @ self.item_style.T / np.sqrt(STYLES)
        liking = 0.8 * style + self.brand_affinity[:, self.brand]
        liking += 0.25 * self.quality - self.price_sensitivity[:, None] * gap
        return np.asarray(liking - liking.mean(axis=1, keepdims=True))


def draw_world(
    n_shoppers: int, n_products: int, days: int, visits: float, rng: np.random.Generator
) -> World:
    """A world; `visits` is the mean number of visits of a shopper in all `days`."""
    n_shelves, n_brands = len(SHELVES), len(BRANDS)
    shelf = np.sort(np.arange(n_products) % n_shelves)
    tier = rng.normal(0, 0.3, n_brands)
    brand = _brands_of(shelf, rng)
    quality = rng.normal(0, 1, n_products) * 0.9 + tier[brand]
    launch = np.where(rng.random(n_products) < 0.25, rng.integers(7, max(days, 8), n_products), 0)
    base = np.array([SHELVES[s].price for s in shelf])
    price = base * np.exp(tier[brand] + rng.normal(0, 0.25, n_products))
    return World(
        shelf=shelf,
        brand=brand,
        **_variants(shelf, brand, rng),
        price=np.maximum(np.round(price * 2) / 2, 1.0) - 0.01,
        quality=quality,
        aspect_quality=0.7 * quality[:, None] + rng.normal(0, 0.8, (n_products, 4)),
        appeal=rng.normal(0, 1.6, n_products),
        item_style=rng.normal(0, 1, (n_products, STYLES)),
        launch_day=launch,
        sold_out=rng.random(n_products) < 0.03,
        activity=visits * rng.lognormal(-0.4, 0.9, n_shoppers),
        join_day=np.where(
            rng.random(n_shoppers) < 0.6, 0, rng.integers(0, max(days - 7, 1), n_shoppers)
        ),
        taste=_tastes(n_shoppers, rng),
        brand_affinity=1.2 * (rng.random((n_shoppers, n_brands)) < 0.1)
        + rng.normal(0, 0.15, (n_shoppers, n_brands)),
        price_level=rng.normal(0, 0.35, n_shoppers),
        price_sensitivity=rng.lognormal(0.2, 0.5, n_shoppers),
        user_style=rng.normal(0, 1, (n_shoppers, STYLES)),
        country=rng.choice(len(COUNTRIES), n_shoppers, p=[0.55, 0.15, 0.12, 0.1, 0.08]),
        season=_seasons(),
        complement=_complements(),
    )


def _brands_of(shelf: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int64]:
    """A brand for each product: each top category has its own third of the brands."""
    tops = {shelf.path.split(" > ")[0] for shelf in SHELVES}
    size = len(BRANDS) // 3
    own = {top: rng.choice(len(BRANDS), size, replace=False) for top in sorted(tops)}
    by_shelf = [
        rng.choice(own[one.path.split(" > ")[0]], 7, replace=False, p=_long_tail(size))
        for one in SHELVES
    ]
    place = rng.choice(7, len(shelf), p=_long_tail(7))
    return np.array([by_shelf[s][p] for s, p in zip(shelf, place, strict=True)])


def _long_tail(n: int) -> NDArray[np.float64]:
    weight: NDArray[np.float64] = 1.0 / np.arange(2, n + 2)
    return np.asarray(weight / weight.sum())


def _variants(
    shelf: NDArray[np.int64], brand: NDArray[np.int64], rng: np.random.Generator
) -> dict[str, NDArray[np.int64]]:
    """Kind, adjective and colour of each product, no two the same on one shelf and brand."""
    seen: set[tuple[int, ...]] = set()
    rows = []
    for s, b in zip(shelf.tolist(), brand.tolist(), strict=True):
        row = _draw(s, rng)
        while (s, b, *row[:2]) in seen:
            row = _draw(s, rng)
        seen.add((s, b, *row[:2]))
        rows.append(row)
    kind, adjective, colour = np.array(rows, np.int64).T
    return {"kind": kind, "adjective": adjective, "colour": colour}


def _draw(shelf: int, rng: np.random.Generator) -> tuple[int, int, int]:
    sizes = (len(SHELVES[shelf].kinds), len(ADJECTIVES), len(COLOURS))
    kind, adjective, colour = (int(rng.integers(size)) for size in sizes)
    return kind, adjective, colour


def _tastes(n_shoppers: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """A few top categories each, and within these a few shelves."""
    tops = np.unique([shelf.path.split(" > ")[0] for shelf in SHELVES], return_inverse=True)[1]
    of_top = rng.dirichlet(np.full(tops.max() + 1, 0.35), n_shoppers)
    within = rng.gamma(0.8, 1, (n_shoppers, len(SHELVES))) + 1e-6
    known = rng.lognormal(0, 0.8, len(SHELVES))  # some shelves are everybody's
    weight = (of_top[:, tops] * within + 2e-3) * known
    return np.asarray(weight / weight.sum(axis=1, keepdims=True))


def _seasons() -> NDArray[np.float64]:
    day = np.arange(DAYS_OF_YEAR)
    out = np.ones((len(SHELVES), DAYS_OF_YEAR))
    for row, shelf in enumerate(SHELVES):
        if shelf.peak_day:
            away = np.abs((day - shelf.peak_day + 183) % DAYS_OF_YEAR - 183)
            out[row] = 0.3 + 2.7 * np.exp(-((away / 40.0) ** 2))
    return out


def _complements() -> NDArray[np.float64]:
    place = {shelf.noun: row for row, shelf in enumerate(SHELVES)}
    out = np.zeros((len(SHELVES), len(SHELVES)))
    for row, shelf in enumerate(SHELVES):
        out[row, [place[noun] for noun in shelf.goes_with]] = COMPLEMENT_CHANCE
    return out
