"""Which items the same shoppers met, whatever the order: the statistics behind `item_knn`."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy import sparse

from shelfwise.retrieval.neighbours import Neighbours, packed, prune
from shelfwise.retrieval.threads import over_rows

_PIECE = 256


def similar_items(
    matrix: sparse.csr_matrix, norm: NDArray[np.float32], shrink: float, neighbours: int
) -> tuple[Neighbours, NDArray[np.int32]]:
    """The most similar items of each and, per kept pair, how many distinct users met both.

    Similarity of two columns of `matrix` is their dot product over (`norm` of one × `norm` of the
    other + `shrink`).
    """
    n_items = matrix.shape[1]
    by_item = matrix.tocsc()
    kept = np.zeros(n_items, np.int64)
    codes = np.zeros((n_items, neighbours), np.int32)
    weights = np.zeros((n_items, neighbours), np.float32)
    both = np.zeros((n_items, neighbours), np.int32)
    over_rows(
        lambda start, stop: _similar_rows(
            matrix.indptr.astype(np.int64),
            matrix.indices,
            matrix.data,
            by_item.indptr.astype(np.int64),
            by_item.indices,
            by_item.data,
            norm,
            shrink,
            kept,
            codes,
            weights,
            both,
            start,
            stop,
        ),
        n_items,
        _PIECE,
    )
    indptr, item, weight, support = packed(kept, codes, weights, both)
    return Neighbours(indptr, item, weight), support


@njit(cache=True, nogil=True)
def _similar_rows(
    user_indptr: NDArray[np.int64],
    user_item: NDArray[np.int32],
    user_value: NDArray[np.float32],
    item_indptr: NDArray[np.int64],
    item_user: NDArray[np.int32],
    item_value: NDArray[np.float32],
    norm: NDArray[np.float32],
    shrink: float,
    kept: NDArray[np.int64],
    codes: NDArray[np.int32],
    weights: NDArray[np.float32],
    both: NDArray[np.int32],
    start: int,
    stop: int,
) -> None:
    n_items = len(item_indptr) - 1
    total = np.zeros(n_items, np.float32)
    met = np.zeros(n_items, np.int32)
    touched = np.empty(n_items, np.int32)
    heap = np.empty(codes.shape[1], np.float32)
    for row in range(start, stop):
        n_touched = 0
        for at in range(item_indptr[row], item_indptr[row + 1]):
            user, value = item_user[at], item_value[at]
            for place in range(user_indptr[user], user_indptr[user + 1]):
                code = user_item[place]
                if code == row:
                    continue
                if met[code] == 0:
                    touched[n_touched] = code
                    n_touched += 1
                met[code] += 1
                total[code] += value * user_value[place]
        for t in range(n_touched):
            total[touched[t]] /= norm[row] * norm[touched[t]] + shrink
        kept[row] = prune(touched, n_touched, total, heap, codes[row])
        for k in range(kept[row]):
            weights[row, k] = total[codes[row, k]]
            both[row, k] = met[codes[row, k]]
        for t in range(n_touched):
            total[touched[t]] = 0
            met[touched[t]] = 0
