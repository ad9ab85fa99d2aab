"""What may be learnt from: a shop's data without what came later, down to reviews and products.

Products are taken as they are today, since catalogues keep no history, but for the columns that
sum up behaviour.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from shelfwise.core.columns import EVENT_CODE, INTEREST_TYPES
from shelfwise.core.dataset import Dataset, Events

HINDSIGHT_COLUMNS: Final = ("also_bought", "also_viewed")
"""Product columns that sum up behaviour without saying when: they may know the future."""


def interest_mask(events: Events, types: tuple[str, ...] = INTEREST_TYPES) -> NDArray[np.bool_]:
    """[n_events]: true where the event is about a known item and of one of `types`."""
    wanted = np.zeros(256, np.bool_)
    wanted[[EVENT_CODE[name] for name in types]] = True
    return np.asarray(wanted[events.type.view(np.uint8)] & (events.item >= 0))


def known_before(dataset: Dataset, time_ms: int) -> Dataset:
    """The shop before the cut; a review without a date cannot be shown to be older, so it goes."""
    dated = dataset.reviews.filter(dataset.reviews.column("time_ms").is_valid())
    known = replace(dataset, reviews=dated).before(time_ms)
    return replace(known, products=without_hindsight(known.products))


def learnt_from(dataset: Dataset, until: NDArray[np.int64]) -> Dataset:
    """The shop with each shopper's events up to position `until[user]`, and no held-out review."""
    events = dataset.events
    kept = np.arange(len(events)) <= until[events.user]
    reviews = dataset.reviews
    if len(reviews) > 0:
        reviews = reviews.filter(pa.array(_fair_reviews(dataset, kept)))
    return replace(
        dataset,
        events=events.take(kept),
        reviews=reviews,
        products=without_hindsight(dataset.products),
    )


def _fair_reviews(dataset: Dataset, kept: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Per review: neither about an item its writer's held-out events touch, nor later than them."""
    gone = dataset.events.take(~kept)
    user = dataset.reviews.column("user").to_numpy(zero_copy_only=False).astype(np.int64)
    item = dataset.reviews.column("item").to_numpy(zero_copy_only=False).astype(np.int64)
    width = dataset.n_items + 1
    held = np.isin(user * width + item, gone.user.astype(np.int64) * width + gone.item)
    if dataset.timed:
        since = np.full(dataset.n_users + 1, np.inf)  # the last cell serves unknown writers
        np.minimum.at(since, gone.user, gone.time_ms)
        time = dataset.reviews.column("time_ms").to_numpy(zero_copy_only=False).astype(np.float64)
        held |= time >= since[user]
    return np.asarray(~(held & (user >= 0)))


def without_hindsight(products: pa.Table) -> pa.Table:
    """The products with `HINDSIGHT_COLUMNS` empty."""
    for name in HINDSIGHT_COLUMNS:
        place = products.schema.get_field_index(name)
        field = products.schema.field(place)
        products = products.set_column(place, field, pa.nulls(len(products), field.type))
    return products
