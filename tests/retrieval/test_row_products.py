"""Products of vectors with all items: right, and the same bits in every batch."""

from __future__ import annotations

import numpy as np
import pytest

from shelfwise.retrieval.row_products import row_products


@pytest.mark.parametrize(("size", "n_items"), [(1, 5), (7, 1025), (128, 3000)])
def test_they_are_the_matrix_product_with_the_same_bits_in_every_batch(
    size: int, n_items: int
) -> None:
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(150, size)).astype(np.float32)
    across = rng.normal(size=(size, n_items)).astype(np.float32)
    found = row_products(vectors, across)
    exact = vectors.astype(np.float64) @ across.astype(np.float64)
    np.testing.assert_allclose(found, exact, atol=1e-4)
    for n in (1, 2, 13, 65):
        np.testing.assert_array_equal(row_products(vectors[:n], across), found[:n])
        np.testing.assert_array_equal(row_products(vectors[-n:], across), found[-n:])
