"""What a product is known by before anybody met it: weighted tokens of its text and its price."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from scipy import sparse

from shelfwise.core.event import Product
from shelfwise.retrieval.product_words import FieldWeights, tokens
from shelfwise.retrieval.tf_idf import Vocabulary

_PRICE = "price="


@dataclass(frozen=True)
class ContentTokens:
    """Which tokens count, what each is worth, and where price levels end."""

    vocabulary: Vocabulary
    price_edges: NDArray[np.float64]
    """Ascending prices between levels; empty without prices."""
    fields: FieldWeights
    price_weight: float

    @classmethod
    def of(
        cls,
        products: Sequence[Product],
        fields: FieldWeights,
        *,
        price_weight: float,
        price_levels: int,
        min_products: int,
        max_tokens: int,
        idf_power: float,
    ) -> ContentTokens:
        """The tokens of a catalogue; price levels hold equally many products."""
        prices = np.array([one.price for one in products if one.price and one.price > 0])
        places = np.arange(1, price_levels) / price_levels
        edges = np.unique(np.quantile(prices, places)) if len(prices) else np.empty(0)
        bare = cls(Vocabulary((), np.empty(0, np.float32)), edges, fields, price_weight)
        vocabulary = Vocabulary.of(
            [bare.found(one) for one in products],
            min_products=min_products,
            max_tokens=max_tokens,
            power=idf_power,
        )
        return cls(vocabulary, edges, fields, price_weight)

    def found(self, product: Product) -> dict[str, float]:
        """The product's tokens and their weights, its price level among them."""
        own = tokens(product, self.fields)
        if product.price and product.price > 0 and self.price_weight > 0:
            level = int(np.searchsorted(self.price_edges, product.price))
            own[f"{_PRICE}{level}"] = self.price_weight
        return own

    def rows(self, products: Iterable[Product]) -> sparse.csr_matrix:
        """[products, tokens] of length 1; empty for a product without a known token."""
        return self.vocabulary.rows([self.found(one) for one in products])


def described(table: pa.Table) -> list[Product]:
    """The products of a table with the fields that tokens are made of."""
    fields = ["item_id", "title", "description", "brand", "category", "attributes", "price"]
    return [
        Product(**{**row, "attributes": tuple(row["attributes"] or ())})
        for row in table.select(fields).to_pylist()
    ]
