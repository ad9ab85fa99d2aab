"""Products of vectors with all items whose bits do not depend on what else is in the batch.

A BLAS multiplies one row by other steps than eight, and eight by others than sixty-four, so that
the same shopper gets other last digits alone than in a batch; here each number is the sum of the
same terms in the same order, whatever the batch. One row costs what reading the items costs.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from shelfwise.core.threads import over_rows

_BLOCK = 1024
"""Items whose sums stay in the nearest cache."""
_PIECE = 64


def row_products(vectors: NDArray[np.float32], across: NDArray[np.float32]) -> NDArray[np.float32]:
    """[n_rows, n_items] of `vectors` [n_rows, size] and `across` [size, n_items], both by rows."""
    out = np.zeros((len(vectors), across.shape[1]), np.float32)
    over_rows(
        lambda start, stop: _products(vectors, across, out, start, stop), len(vectors), _PIECE
    )
    return out


@njit(cache=True, nogil=True, fastmath={"contract"})
def _products(
    vectors: NDArray[np.float32],
    across: NDArray[np.float32],
    out: NDArray[np.float32],
    start: int,
    stop: int,
) -> None:
    size, n_items = across.shape
    whole = size - size % 4
    for first in range(0, n_items, _BLOCK):
        last = min(first + _BLOCK, n_items)
        for row in range(start, stop):
            sums = out[row, first:last]
            for k in range(0, whole, 4):
                a, b = vectors[row, k], vectors[row, k + 1]
                c, d = vectors[row, k + 2], vectors[row, k + 3]
                w, x = across[k, first:last], across[k + 1, first:last]
                y, z = across[k + 2, first:last], across[k + 3, first:last]
                for at in range(last - first):
                    sums[at] = ((sums[at] + a * w[at]) + b * x[at] + c * y[at]) + d * z[at]
            for k in range(whole, size):
                a, w = vectors[row, k], across[k, first:last]
                for at in range(last - first):
                    sums[at] += a * w[at]
