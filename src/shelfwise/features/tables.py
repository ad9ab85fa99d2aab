"""The item table: every product's feature row as of one moment, ready to be gathered from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shelfwise.core.dataset import Dataset
from shelfwise.core.event import Product
from shelfwise.core.model import ModelState
from shelfwise.features.behaviour import ItemBehaviour
from shelfwise.features.catalogue import Catalogue
from shelfwise.features.reviews import ReviewDigest, brand_names
from shelfwise.features.shopper import LAYOUT, ItemColumns
from shelfwise.features.vectors import GROUPS, HASH_DIMS, ITEM_FEATURES, WINDOWS

_N_COUNTED = len(GROUPS) * len(WINDOWS)
_BEHAVIOUR = ITEM_FEATURES.index("item.log_price")
_ATTRIBUTES = ITEM_FEATURES.index("item.reviews")
_REVIEWS = len(ITEM_FEATURES) - HASH_DIMS
"""Where each part of an item row ends; the hashed category is the rest."""


@dataclass(frozen=True)
class FeatureTables:
    """Everything `feature_matrix` reads of the shop; plain data that a bundle can hold."""

    catalogue: Catalogue
    items: NDArray[np.float32]
    """[n_items, len(ITEM_FEATURES)]."""
    blank: NDArray[np.float32]
    """[len(ITEM_FEATURES)] of a product with no event and no review."""
    timed: bool
    """False where event times are only an order."""
    reviews: ReviewDigest
    """What reviews say of each product trained on, for reasons."""

    @classmethod
    def of(cls, dataset: Dataset, now_ms: int | None = None, *, seed: int = 0) -> FeatureTables:
        """The tables as of `now_ms`: from events and reviews before it (None: from all).

        The catalogue is taken as it is; products carry no dates. `seed` draws the folds and the
        start of what is learnt from review texts.
        """
        known = dataset if now_ms is None else dataset.before(now_ms)
        n = dataset.n_items
        behaviour = ItemBehaviour.of(known.events, n + 1, now_ms=now_ms, timed=dataset.timed)
        rng = np.random.default_rng(seed)
        brands = brand_names(dataset.products)
        reviews = ReviewDigest.of(known.reviews, known.events, n + 1, rng, brands)
        catalogue = Catalogue.of(dataset.products, known.events)
        items = np.full((n + 1, len(ITEM_FEATURES)), np.nan, np.float32)
        items[:, :_BEHAVIOUR] = _behaviour_columns(behaviour)
        items[:, _ATTRIBUTES:_REVIEWS] = reviews.columns()
        _fill_attributes(items[:n], catalogue)
        return cls(catalogue, items[:n], items[n], dataset.timed, reviews)

    def with_products(self, products: Sequence[Product]) -> FeatureTables:
        """The same tables with rows for products that came after training, codes counting on."""
        catalogue = self.catalogue.with_products(products)
        items = np.vstack([self.items, np.tile(self.blank, (len(products), 1))])
        _fill_attributes(items, catalogue)
        return replace(self, catalogue=catalogue, items=items)

    @cached_property
    def columns(self) -> ItemColumns:
        """What the compiled loops read: plain read-only arrays, whether mapped from disk or not."""
        catalogue = self.catalogue
        return ItemColumns(
            table=_read_only(self.items),
            brand=_read_only(catalogue.brand),
            leaf=_read_only(catalogue.leaf),
            top=_read_only(catalogue.top),
            at=LAYOUT,
        )

    def state(self) -> ModelState:
        """The tables as plain data."""
        catalogue, reviews = self.catalogue.state(), self.reviews.state()
        return ModelState(
            {"catalogue": catalogue.settings, "reviews": reviews.settings, "timed": self.timed},
            catalogue.arrays | reviews.arrays | {"items": self.items, "blank": self.blank},
        )

    @classmethod
    def from_state(cls, state: ModelState) -> FeatureTables:
        """The tables that `state` was taken from."""
        inner = ModelState(state.settings["catalogue"], state.arrays)
        return cls(
            Catalogue.from_state(inner),
            state.arrays["items"],
            state.arrays["blank"],
            state.settings["timed"],
            ReviewDigest.from_state(ModelState(state.settings["reviews"], state.arrays)),
        )


def _read_only(array: NDArray[Any]) -> NDArray[Any]:
    plain = np.ascontiguousarray(array).view()
    plain.flags.writeable = False
    return plain


def _behaviour_columns(behaviour: ItemBehaviour) -> NDArray[np.float32]:
    lift = behaviour.lift()
    recent, month = (lift[:, 0, WINDOWS.index(window)] for window in ("7d", "30d"))
    shoppers = behaviour.shoppers
    return np.column_stack(
        [
            lift.reshape(len(lift), _N_COUNTED),
            recent - month,
            behaviour.popularity_place(),
            np.log((shoppers + 1.0) / (shoppers.mean() + 1.0)),
            behaviour.idf(),
            np.log1p(behaviour.age_days),
            behaviour.conversion(),
            behaviour.repeat_rate,
            np.log(behaviour.repeat_gap_days),
        ]
    )


def _fill_attributes(items: NDArray[np.float32], catalogue: Catalogue) -> None:
    items[:, _BEHAVIOUR:_ATTRIBUTES] = np.column_stack(
        [
            catalogue.log_price,
            catalogue.price_z,
            catalogue.price_place,
            catalogue.available,
            catalogue.has_description,
            np.log1p(catalogue.title_words),
        ]
    )
    items[:, _REVIEWS:] = catalogue.category_hash
