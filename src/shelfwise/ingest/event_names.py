"""The names shops give to what shoppers do, and ours for it."""

from __future__ import annotations

import re
from typing import Final

import pyarrow as pa

from shelfwise.ingest.arrays import as_strings

_SYNONYMS: Final = {
    "impression": "impressions exposure exposed show shown display view_item_list",
    "view": (
        "pv pageview page_view views viewed view_item product_view view_product detail "
        "detail_view product_detail view_detail viewcontent view_content browse product_viewed "
        "浏览"
    ),
    "click": "clicks clicked select_item item_click product_click select_content 点击",
    "add_to_cart": (
        "addtocart cart add_cart basket add_to_basket addtobasket add_to_bag added_to_cart "
        "product_added cart_add in_cart 加购"
    ),
    "remove_from_cart": "removefromcart remove_cart cart_remove product_removed remove_from_basket",
    "wishlist": (
        "fav favorite favourite favorites collect save saved like liked bookmark add_to_wishlist "
        "addtowishlist add_to_favorites 收藏"
    ),
    "purchase": (
        "buy bought purchased order ordered orders transaction transactions sale sales "
        "order_completed checkout_completed payment paid conversion 购买"
    ),
    "refund": "refunded return returned returns cancelled canceled cancellation chargeback 退货",
    "rate": "rating rated ratings review reviewed stars 评分",
    "search": "searched query view_search_results search_results site_search 搜索",
}
_NAME: Final = {
    re.sub(r"[^\w]", "", name).replace("_", ""): ours
    for ours, names in _SYNONYMS.items()
    for name in [ours, *names.split()]
}


def event_type_of(name: str) -> str | None:
    """Our event type for a shop's name of it, None when unknown.

    >>> event_type_of("Add to cart"), event_type_of("PV"), event_type_of("scroll")
    ('add_to_cart', 'view', None)
    """
    return _NAME.get(re.sub(r"[\W_]", "", name.lower()))


def clean_event_types(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    """Our event type of each row, null where the name is unknown or absent."""
    names = as_strings(column).dictionary_encode()
    ours = pa.array([event_type_of(name) for name in names.dictionary.to_pylist()], pa.string())
    return ours.take(names.indices)
