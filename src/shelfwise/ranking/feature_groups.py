"""Which input of the fusion network a feature belongs to.

By names alone, so that a shop that computes more features need not say where each goes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

GROUPS: Final = ("behaviour", "product", "reviews", "sources")
"""What shoppers did; what the catalogue says; what reviews say; what the models think."""

_REVIEWS = ("item.review", "item.rating", "item.sentiment", "item.topic_")
_PRODUCT = (
    "item.log_price",
    "item.price_",
    "item.available",
    "item.has_description",
    "item.title_words",
    "item.category_",
)
_BEHAVIOUR = ("user.", "pair.", "item.")


def feature_groups(names: Sequence[str]) -> dict[str, tuple[int, ...]]:
    """The columns of each group that has any, in the order of `GROUPS`.

    Features that are none of the shop's are opinions of sources.

    >>> feature_groups(["pair.due", "als.z", "item.log_price", "item.trend", "item.rating"])
    {'behaviour': (0, 3), 'product': (2,), 'reviews': (4,), 'sources': (1,)}
    """
    of_name = [_group(name) for name in names]
    found = {group: tuple(at for at, own in enumerate(of_name) if own == group) for group in GROUPS}
    return {group: columns for group, columns in found.items() if columns}


def _group(name: str) -> str:
    if name.startswith(_REVIEWS):
        return "reviews"
    if name.startswith(_PRODUCT):
        return "product"
    return "behaviour" if name.startswith(_BEHAVIOUR) else "sources"
