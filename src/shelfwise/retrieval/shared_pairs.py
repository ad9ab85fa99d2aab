"""Which items the same shoppers met, in any order: the statistics of `item_knn` and `ease`."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy import sparse

from shelfwise.core.threads import over_rows, wide_piece
from shelfwise.retrieval.neighbours import Neighbours, packed, prune, slot_of, table_mask

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
            matrix.indptr,
            matrix.indices,
            matrix.data,
            by_item.indptr,
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
        wide_piece(n_items, _PIECE),
    )
    indptr, item, weight, support = packed(kept, codes, weights, both)
    return Neighbours(indptr, item, weight), support


def column_norms(matrix: sparse.csr_matrix) -> NDArray[np.float32]:
    """[n_items] the length of each column."""
    squared = np.bincount(matrix.indices, matrix.data**2, minlength=matrix.shape[1])
    return np.sqrt(squared).astype(np.float32)


@njit(cache=True, nogil=True)
def _similar_rows(
    user_indptr: NDArray[np.int32],
    user_item: NDArray[np.int32],
    user_value: NDArray[np.float32],
    item_indptr: NDArray[np.int32],
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
    keys = np.full(n_items, -1, np.int32)
    total = np.zeros(n_items, np.float32)
    met = np.zeros(n_items, np.int32)
    touched = np.empty(n_items, np.int32)
    found, value_of = np.empty(n_items, np.int32), np.empty(n_items, np.float32)
    heap = np.empty(codes.shape[1], np.float32)
    for row in range(start, stop):
        n_touched, most = 0, 0
        for user in item_user[item_indptr[row] : item_indptr[row + 1]]:
            most += user_indptr[user + 1] - user_indptr[user]
        mask = table_mask(n_items, most)
        for at in range(item_indptr[row], item_indptr[row + 1]):
            user, value = item_user[at], item_value[at]
            for place in range(user_indptr[user], user_indptr[user + 1]):
                code = user_item[place]
                if code == row:
                    continue
                slot = slot_of(keys, mask, code)
                if met[slot] == 0:
                    keys[slot] = code
                    touched[n_touched] = slot
                    n_touched += 1
                met[slot] += 1
                total[slot] += value * user_value[place]
        for t in range(n_touched):
            found[t] = keys[touched[t]]
            total[touched[t]] /= norm[row] * norm[found[t]] + shrink
            value_of[t] = total[touched[t]]
        kept[row] = prune(found, value_of, n_touched, heap, codes[row])
        for k in range(kept[row]):
            slot = slot_of(keys, mask, codes[row, k])
            weights[row, k] = total[slot]
            both[row, k] = met[slot]
        for t in range(n_touched):
            keys[touched[t]] = -1
            total[touched[t]] = 0
            met[touched[t]] = 0


def gram(matrix: sparse.csr_matrix) -> NDArray[np.float32]:
    """[n_items, n_items] dense: the dot products of all pairs of columns."""
    n_items = matrix.shape[1]
    by_item = matrix.tocsc()
    out = np.zeros((n_items, n_items), np.float32)
    over_rows(
        lambda start, stop: _gram_rows(
            matrix.indptr,
            matrix.indices,
            matrix.data,
            by_item.indptr,
            by_item.indices,
            by_item.data,
            out,
            start,
            stop,
        ),
        n_items,
        _PIECE,
    )
    return out


def users_of_both(matrix: sparse.csr_matrix, pairs: Neighbours) -> NDArray[np.int32]:
    """Per pair of `pairs`: how many rows of `matrix` hold both items."""
    by_item = matrix.tocsc()
    out = np.zeros(len(pairs.item), np.int32)
    over_rows(
        lambda start, stop: _count_both(
            matrix.indptr,
            matrix.indices,
            by_item.indptr,
            by_item.indices,
            pairs.indptr,
            pairs.item,
            out,
            start,
            stop,
        ),
        pairs.n_items,
        wide_piece(pairs.n_items, _PIECE),
    )
    return out


@njit(cache=True, nogil=True)
def _gram_rows(
    user_indptr: NDArray[np.int32],
    user_item: NDArray[np.int32],
    user_value: NDArray[np.float32],
    item_indptr: NDArray[np.int32],
    item_user: NDArray[np.int32],
    item_value: NDArray[np.float32],
    out: NDArray[np.float32],
    start: int,
    stop: int,
) -> None:
    for row in range(start, stop):
        total = out[row]
        for at in range(item_indptr[row], item_indptr[row + 1]):
            user, value = item_user[at], item_value[at]
            for place in range(user_indptr[user], user_indptr[user + 1]):
                total[user_item[place]] += value * user_value[place]


@njit(cache=True, nogil=True)
def _count_both(
    user_indptr: NDArray[np.int32],
    user_item: NDArray[np.int32],
    item_indptr: NDArray[np.int32],
    item_user: NDArray[np.int32],
    pair_indptr: NDArray[np.int64],
    pair_item: NDArray[np.int32],
    out: NDArray[np.int32],
    start: int,
    stop: int,
) -> None:
    met = np.zeros(len(item_indptr) - 1, np.int32)
    for row in range(start, stop):
        met[:] = 0
        for at in range(item_indptr[row], item_indptr[row + 1]):
            user = item_user[at]
            for place in range(user_indptr[user], user_indptr[user + 1]):
                met[user_item[place]] += 1
        for place in range(pair_indptr[row], pair_indptr[row + 1]):
            out[place] = met[pair_item[place]]
