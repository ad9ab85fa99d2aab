"""A simulated shop with known truth, to try everything without data and to test that models work.

Simulated: tastes for shelves, brands, prices and styles; seasons; a shop that lists what is known,
and shoppers who look at the top of lists; carts and purchases; things that go together (a kettle,
then tea); things used up and bought again; hidden quality that shows in stars, in the words of
reviews, in refunds and in loyalty; products that arrive later; guests; three bots; double
submissions, repeated and unreadable rows. The same configuration and seed give the same shop.

It was written by those who wrote the models. A good result on it proves that the machinery works,
and nothing about how much it earns on real shoppers.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pv
from numpy.typing import NDArray
from pydantic import Field

from shelfwise.core.settings import Settings
from shelfwise.ingest.demo_dirt import (
    CONFLICTING,
    N_BOTS,
    bot_acts,
    double_submissions,
    repeated_reviews,
    unreadable_rows,
)
from shelfwise.ingest.demo_reviews import Review, after_purchases
from shelfwise.ingest.demo_tables import (
    event_rows,
    event_table,
    product_rows,
    product_table,
    review_rows,
    review_table,
    with_unreadable,
)
from shelfwise.ingest.demo_visits import DAY_MS, EXAMINED, Act, Visits
from shelfwise.ingest.demo_words import BRANDS, SHELVES, Shelf
from shelfwise.ingest.demo_world import World, draw_world


class DemoConfig(Settings):
    """How large the demo shop is."""

    shoppers: int = Field(default=2000, ge=1)
    """People with an account."""
    products: int = Field(default=1200, ge=len(SHELVES))
    """Spread evenly over the shelves."""
    days: int = Field(default=240, ge=30, le=366)
    """How long the shop is watched."""
    start: date = date(2024, 4, 1)
    """First day, UTC."""
    visits: float = Field(default=6.0, gt=0)
    """Mean visits of a shopper who was there from the first day."""
    guests: float = Field(default=0.12, ge=0, le=1)
    """Share of visits without logging in."""
    dirt: bool = True
    """Put in what cleaning must find; without it every row is good and of a person."""


@dataclass(frozen=True)
class DemoTruth:
    """What the simulator knows and the files do not say; rows are `user_ids`, `item_ids`."""

    world: World
    user_ids: tuple[str, ...]
    """Of people, in the order of the world's rows."""
    item_ids: tuple[str, ...]
    shelf_names: tuple[str, ...]
    """Category path of each shelf, in the order of the world's columns."""
    brand_names: tuple[str, ...]
    utility: NDArray[np.float64]
    """[n_shoppers, n_products] liking before any experience."""
    examined: NDArray[np.float64]
    """Chance that each place of a list is looked at."""
    repurchase_days: dict[str, int]
    """By category path: usual days until it is used up, where it is used up at all."""
    goes_with: dict[str, tuple[str, ...]]
    """By category path: those bought after it."""
    bots: tuple[str, ...]
    """Shopper ids of programs."""
    refunds: int
    double_submissions: int
    repeated_events: int
    """Event rows equal to an earlier one."""
    repeated_reviews: int
    conflicting_products: int
    """Rows of products.csv that tell a product again, at another price."""
    unreadable: dict[str, int]
    """Event rows by what is wrong with them; they are only in the files."""

    def aspects_of(self, item: int) -> tuple[str, ...]:
        """The parts of a product, in the order of the columns of `world.aspect_quality`."""
        shelf: Shelf = SHELVES[self.world.shelf[item]]
        return shelf.aspects


@dataclass(frozen=True)
class DemoFiles:
    """Where the files of a demo shop are."""

    events: Path
    products: Path
    reviews: Path


@dataclass(frozen=True)
class DemoShop:
    """The shop's data as canonical tables, dirt that has types included, and the truth."""

    events: pa.Table
    """`EVENTS_SCHEMA`, by time."""
    products: pa.Table
    """`PRODUCTS_SCHEMA`."""
    reviews: pa.Table
    """`REVIEWS_SCHEMA`, by time."""
    unreadable: tuple[dict[str, str], ...]
    """Event rows that no table can hold, as strings."""
    truth: DemoTruth

    def write_csv(self, folder: Path) -> DemoFiles:
        """The files, as a shop would export them: events.csv, products.csv and reviews.jsonl."""
        folder.mkdir(parents=True, exist_ok=True)
        files = DemoFiles(folder / "events.csv", folder / "products.csv", folder / "reviews.jsonl")
        options = pv.WriteOptions(quoting_style="needed")
        pv.write_csv(with_unreadable(self.events, self.unreadable), files.events, options)
        pv.write_csv(
            product_rows(self.products, dirt=bool(self.unreadable)), files.products, options
        )
        lines = (json.dumps(row, ensure_ascii=False) for row in review_rows(self.reviews))
        files.reviews.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return files


@dataclass(frozen=True)
class _Story:
    """What happened, in codes; the lists of dirt are in no other list."""

    acts: list[Act]
    reviews: list[Review]
    guests: NDArray[np.bool_]
    """Per visit: is it of someone who did not log in?"""
    bots: list[Act]
    doubled: list[Act]
    repeated: list[Act]
    repeated_reviews: list[Review]


def simulate(config: DemoConfig, seed: int) -> DemoShop:
    """The shop of this configuration and seed."""
    rng = np.random.default_rng(seed)
    world = draw_world(config.shoppers, config.products, config.days, config.visits, rng)
    utility = world.utility()
    story = _story(config, world, utility, rng)
    user_ids = tuple(f"u{user + 1:04d}" for user in range(config.shoppers + N_BOTS))
    item_ids = _item_ids(config.products, rng)
    acts = story.acts + story.bots + story.doubled + story.repeated
    events = event_table(acts, story.guests, world, user_ids, item_ids)
    unreadable = unreadable_rows(event_rows(events), rng) if config.dirt else {}
    return DemoShop(
        events=events,
        products=product_table(world, item_ids),
        reviews=review_table(story.reviews + story.repeated_reviews, user_ids, item_ids),
        unreadable=tuple(row for rows in unreadable.values() for row in rows),
        truth=DemoTruth(
            world=world,
            user_ids=user_ids[: config.shoppers],
            item_ids=item_ids,
            shelf_names=tuple(shelf.path for shelf in SHELVES),
            brand_names=BRANDS,
            utility=utility,
            examined=EXAMINED,
            repurchase_days={s.path: s.repurchase_days for s in SHELVES if s.repurchase_days},
            goes_with=_goes_with(),
            bots=user_ids[config.shoppers :] if config.dirt else (),
            refunds=sum(act.kind == "refund" for act in story.acts),
            double_submissions=len(story.doubled),
            repeated_events=len(story.repeated),
            repeated_reviews=len(story.repeated_reviews),
            conflicting_products=CONFLICTING if config.dirt else 0,
            unreadable={reason: len(rows) for reason, rows in unreadable.items()},
        ),
    )


def _story(
    config: DemoConfig, world: World, utility: NDArray[np.float64], rng: np.random.Generator
) -> _Story:
    start_ms = int(datetime.combine(config.start, datetime.min.time(), UTC).timestamp()) * 1000
    until_ms = start_ms + config.days * DAY_MS
    visits = Visits(world, utility.copy(), start_ms, config.days, rng)
    visits.play()
    n_visits = max(act.visit for act in visits.acts) + 1
    guests = rng.random(n_visits + N_BOTS) < config.guests
    guests[n_visits:] = False
    known = [act for act in visits.purchases if not guests[act.visit]]
    later, reviews = after_purchases(world, utility, known, until_ms, rng)
    acts = [act for act in visits.acts if act.time_ms < until_ms] + later
    if not config.dirt:
        return _Story(acts, reviews, guests, [], [], [], [])
    return _Story(
        acts,
        reviews,
        guests,
        bots=bot_acts(config.shoppers, config.products, start_ms, n_visits, rng),
        doubled=double_submissions(acts, len(acts) // 2000, rng),
        repeated=[acts[at] for at in rng.choice(len(acts), len(acts) // 400, replace=False)],
        repeated_reviews=repeated_reviews(reviews, len(reviews) // 100, rng),
    )


def _item_ids(n: int, rng: np.random.Generator) -> tuple[str, ...]:
    """Ids in a random order, so that they say nothing of the shelf."""
    return tuple(f"p{number + 1:04d}" for number in rng.permutation(n).tolist())


def _goes_with() -> dict[str, tuple[str, ...]]:
    path = {shelf.noun: shelf.path for shelf in SHELVES}
    return {s.path: tuple(path[noun] for noun in s.goes_with) for s in SHELVES if s.goes_with}
