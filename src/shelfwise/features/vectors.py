"""The named vectors: which column of a user, item or pair row means what.

Rankers, reports and the console all read features by these names. A count is a logarithm or is set
against the catalogue's average product, so that a column means the same in a shop that has grown
since. NaN means not known; it is never a stand-in for zero.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from shelfwise.core.columns import EVENT_CODE, EVENT_TYPES

DAY_MS: Final = 86_400_000

WINDOW_DAYS: Final = (1, 7, 30, 90)
WINDOWS: Final = ("1d", "7d", "30d", "90d", "all")
"""Windows that end now; `all` has no start. Only `all` is known where times are only an order."""

GROUP_TYPES: Final[dict[str, tuple[str, ...]]] = {
    "view": ("view", "click"),
    "cart": ("add_to_cart", "wishlist"),
    "buy": ("purchase",),
    "rate": ("rate",),
}
"""Event types that are counted together. Types in no group (impression, refund …) never count."""
GROUPS: Final = ("any", *GROUP_TYPES)
"""Groups as columns; `any` is all of them."""

STRENGTH: Final = {"view": 1.0, "cart": 2.0, "buy": 4.0, "rate": 3.0}
"""How much an event of each group says about taste."""

HASH_DIMS: Final = 32
"""Width of the hashed category path."""


N_TOPICS: Final = 8
"""Topics of the shop's reviews."""

_COUNTED: Final = tuple(f"{group}_{window}" for group in GROUPS for window in WINDOWS)
_HASHED: Final = tuple(f"category_{dim:02d}" for dim in range(HASH_DIMS))

USER_FEATURES: Final = (
    *(f"user.count_{name}" for name in _COUNTED),  # log1p
    "user.recency",  # log1p days since the last event
    "user.gap",  # log1p days between visits, mean
    "user.dwell",  # log1p seconds to the next event of the same visit, mean
    "user.distinct",  # log1p distinct products
    "user.repeat_share",  # events about a product already met
    "user.price_mean",  # log price, weighted by strength and decay
    "user.price_spread",  # its standard deviation
    "user.popularity_mean",  # mean item.lift_any_all
    "user.brand_focus",  # sum of squared shares: 1 is one brand only
    "user.leaf_focus",
    "user.top_focus",
    *(f"user.{name}" for name in _HASHED),  # of recent products, TF-IDF weighted, length 1
)
"""What a shopper's history says, as of the request."""

ITEM_FEATURES: Final = (
    *(f"item.lift_{name}" for name in _COUNTED),  # log of count over the average product's
    "item.trend",  # lift of 7 days less lift of 30
    "item.popularity_place",  # share of products with fewer events, 0 to 1
    "item.shoppers",  # log of distinct shoppers over the average product's
    "item.idf",  # log of shoppers in all over shoppers of this product
    "item.age",  # log1p days since the first event
    "item.conversion",  # log-odds of purchases per view, shrunk, against the shop's
    "item.repeat_rate",  # share of buyers who bought again, shrunk
    "item.repeat_gap",  # log days between purchases by one shopper, shrunk
    "item.log_price",
    "item.price_z",  # log price standardised by the catalogue it was trained on
    "item.price_place",  # share of its category that is cheaper, 0 to 1
    "item.available",  # 1 in stock, 0 not
    "item.has_description",
    "item.title_words",  # log1p
    "item.reviews",  # log1p
    "item.rating",  # mean stars as a z score of the shop's ratings
    "item.rating_shrunk",  # the same, pulled to 0 where reviews are few
    "item.rating_recent",  # the same, recent reviews counting more
    "item.sentiment",  # of review texts against the shop's usual, -1 to 1, shrunk
    *(f"item.topic_{topic}" for topic in range(N_TOPICS)),  # shares of its reviews
    *(f"item.{name}" for name in _HASHED),
)
"""What the catalogue, all shoppers and the reviews say about a product, as of the tables."""

PAIR_FEATURES: Final = (
    "pair.count_any",  # log1p events of this shopper about this product
    "pair.count_view",
    "pair.count_cart",
    "pair.count_buy",
    "pair.strongest",  # strength of the strongest of them, 0 never
    "pair.days_since",  # log1p days since the last of them; NaN never
    "pair.baskets_since",  # log1p moments (baskets, page views) since then; NaN never
    "pair.events_since",  # log1p events since then: place from the end; NaN never
    "pair.closeness",  # 1 for the last event's product, halves every 8 events, 0 never
    "pair.due",  # log of days since the last purchase over the product's usual gap
    "pair.price_gap",  # log price less the shopper's mean
    "pair.price_gap_last",  # log price less that of the last product
    "pair.cheaper_than_last",
    "pair.brand_share",  # share of the shopper's decayed interest
    "pair.leaf_share",
    "pair.top_share",
    "pair.same_brand_last",
    "pair.same_leaf_last",
    "pair.same_top_last",
    "pair.category_match",  # cosine of hashed categories, shopper and product
    "pair.popularity_gap",  # lift less the shopper's mean
)
"""What a shopper's history says about one candidate."""

_NUMBERED_ONLY = ("user.category_", "item.category_", "item.topic_")
ALL_FEATURES: Final = USER_FEATURES + ITEM_FEATURES + PAIR_FEATURES
RANKING_FEATURES: Final = tuple(
    name for name in ALL_FEATURES if not name.startswith(_NUMBERED_ONLY)
)
"""What a ranker reads unless told otherwise: all but hashed categories, whose columns have no
meaning of their own, and topics, whose numbers change from fit to fit."""


def group_of_type() -> NDArray[np.int8]:
    """[n event types] position in `GROUPS` (1 and up), 0 for types that never count."""
    out = np.zeros(len(EVENT_TYPES), np.int8)
    for position, types in enumerate(GROUP_TYPES.values(), start=1):
        out[[EVENT_CODE[name] for name in types]] = position
    return out
