"""What all models of one comparison are measured against, made once for all of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from shelfwise.core.columns import EVENT_CODE, INTEREST_TYPES
from shelfwise.core.dataset import Dataset
from shelfwise.core.ragged import Ragged
from shelfwise.evaluation.popularity import item_popularity, item_segments
from shelfwise.evaluation.splits import Split
from shelfwise.evaluation.variety import one_hot, unit_rows
from shelfwise.evaluation.worth import Worth
from shelfwise.features.catalogue import Catalogue


@dataclass(frozen=True)
class Yardstick:
    """A split, and what is known of its items and of its shoppers' past."""

    split: Split
    popularity: NDArray[np.int64]
    """[n_items] interest events in training."""
    segment: NDArray[np.int8]
    """[n_items] places in `ITEM_SEGMENTS`."""
    chosen: Ragged
    """Per request, the items of its history that the shopper showed interest in."""
    category: NDArray[np.int32]
    """[n_items] the category whose mix is compared with the shopper's; -1: unknown."""
    vectors: Mapping[str, sparse.csr_matrix] = field(default_factory=dict)
    """[n_items, …] by what they say of an item (category, brand, content); rows of length 1 or 0.
    Empty where the shop knows nothing of the kind."""
    worth: Worth | None = None
    """None where nothing that was held out was bought."""

    @classmethod
    def of(
        cls,
        split: Split,
        dataset: Dataset,
        *,
        catalogue: Catalogue | None = None,
        content: sparse.csr_matrix | None = None,
    ) -> Yardstick:
        """The yardstick of `split`, made from `dataset`.

        `content` [n_items, …] says what is written of items. Without a `catalogue` it is read from
        the products.
        """
        known = Catalogue.of(dataset.products) if catalogue is None else catalogue
        popularity = item_popularity(split.train)
        vectors = {"category": one_hot(known.leaf), "brand": one_hot(known.brand)}
        if content is not None:
            vectors["content"] = unit_rows(content)
        worth = Worth.of(split, dataset)
        return cls(
            split=split,
            popularity=popularity,
            segment=item_segments(popularity),
            chosen=_chosen(split),
            category=_department(known),
            vectors={name: rows for name, rows in vectors.items() if rows.nnz},
            worth=worth if worth.units.any() else None,
        )


def _department(catalogue: Catalogue) -> NDArray[np.int32]:
    """The first step of each category path, or the whole path where all share the first step."""
    departments = np.unique(catalogue.top[catalogue.top >= 0])
    return catalogue.top if len(departments) > 1 else catalogue.leaf


def _chosen(split: Split) -> Ragged:
    history = split.requests.history
    wanted = np.isin(history.type, [EVENT_CODE[name] for name in INTEREST_TYPES])
    running = np.zeros(len(wanted) + 1, np.int64)
    np.cumsum(wanted, out=running[1:])
    return Ragged(running[history.indptr], history.item[wanted])
