"""A softmax over the whole catalogue, without ever holding [positions, products] in memory.

The loss and both gradients come from one pass over chunks of rows: a product of matrices, one
compiled pass that exponentiates in place, and two more products. So the products of matrices are
nearly all there is to wait for. `torch.exp_` takes some 5 ns a number, this exponential 0.3.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numba import njit
from numpy.typing import NDArray

from shelfwise.core.model import NOT_SCORED
from shelfwise.core.threads import n_threads, over_rows

_CHUNK = 128
"""Rows of one product: few enough that the products of 12,000 columns stay in the cache."""
_PIECE = 16
_LOG2E: Final = np.float32(1.4426950408889634)
_LN2_HIGH: Final = np.float32(0.693359375)
_LN2_LOW: Final = np.float32(-2.12194440e-4)
_SMALLEST: Final = np.float32(-87.0)


@njit(cache=True, nogil=True, inline="always")
def exp32(x: np.float32) -> np.float32:
    """The exponential of `x` (at most 88; below -87 as -87), to one or two units in the last place.

    Cody and Waite's reduction and the polynomial of Cephes `expf`: plain arithmetic, so that the
    compiler computes eight at once.
    """
    x = max(x, _SMALLEST)
    n = np.floor(x * _LOG2E + np.float32(0.5))
    r = x - n * _LN2_HIGH - n * _LN2_LOW
    p = np.float32(1.9875691500e-4)
    p = p * r + np.float32(1.3981999507e-3)
    p = p * r + np.float32(8.3334519073e-3)
    p = p * r + np.float32(4.1665795894e-2)
    p = p * r + np.float32(1.6666665459e-1)
    p = p * r + np.float32(5.0000001201e-1)
    p = p * r * r + r + np.float32(1.0)
    power = (np.int32(n) + np.int32(127)) << np.int32(23)
    return np.float32(p * np.int32(power).view(np.float32))


def softmax_loss(
    hidden: NDArray[np.float32],
    items: NDArray[np.float32],
    target: NDArray[np.int64],
    weight: NDArray[np.float32],
    offset: NDArray[np.float32] | None = None,
) -> tuple[float, NDArray[np.float32], NDArray[np.float32]]:
    """The weighted sum of cross-entropies, and its gradients by `hidden` and `items`.

    `hidden` [rows, size] are asked against `items` [columns, size]; row r should choose column
    `target[r]`. `offset` [columns] is added to every logit but the target's own: minus the log of
    the chance that a column takes part, where columns are a sample (Bengio and Senécal, IEEE TNN
    2008; the target is there for certain).
    """
    n_parts = max(1, min(n_threads(), len(hidden) // _CHUNK))
    limits = np.linspace(0, len(hidden), n_parts + 1).astype(np.int64)
    d_hidden = np.empty_like(hidden)
    d_columns = np.zeros((n_parts, *items.T.shape), np.float32)
    columns = np.ascontiguousarray(items.T)
    loss = np.zeros(n_parts, np.float64)
    shift = np.zeros(len(items), np.float32) if offset is None else offset

    def work(first: int, last: int) -> None:
        # each part has its own rows and sums, whichever thread works on it: the same bits each time
        for part in range(first, last):
            rows = slice(limits[part], limits[part + 1])
            loss[part] = _part(
                hidden[rows], columns, target[rows], weight[rows], shift,
                d_hidden[rows], d_columns[part],
            )  # fmt: skip

    over_rows(work, n_parts, 1)
    d_items = np.ascontiguousarray(d_columns.sum(axis=0).T)
    _subtract_targets(hidden, items, target, weight, d_hidden, d_items)
    return float(loss.sum()), d_hidden, d_items


def _part(
    hidden: NDArray[np.float32],
    columns: NDArray[np.float32],
    target: NDArray[np.int64],
    weight: NDArray[np.float32],
    shift: NDArray[np.float32],
    d_hidden: NDArray[np.float32],
    d_columns: NDArray[np.float32],
) -> float:
    """Fills `d_hidden`, adds to `d_columns`, both but for the targets' part; returns the loss."""
    logits = np.empty((_CHUNK, columns.shape[1]), np.float32)
    added = np.empty_like(d_columns)
    loss = 0.0
    for start in range(0, len(hidden), _CHUNK):
        rows = slice(start, min(start + _CHUNK, len(hidden)))
        some = hidden[rows]
        out = logits[: len(some)]
        np.dot(some, columns, out=out)
        scale = np.empty(len(some), np.float32)
        loss += _exponentiate(out, target[rows], weight[rows], shift, scale)
        d_hidden[rows] = np.dot(out, columns.T) * scale[:, None]
        np.dot((some * scale[:, None]).T, out, out=added)
        d_columns += added
    return loss


@njit(cache=True, nogil=True, fastmath={"reassoc", "contract", "nsz", "nnan"}, error_model="numpy")
def _exponentiate(
    logits: NDArray[np.float32],
    target: NDArray[np.int64],
    weight: NDArray[np.float32],
    shift: NDArray[np.float32],
    scale: NDArray[np.float32],
) -> float:
    """Turns logits into numbers that, times `scale` of their row, are weighted probabilities.

    Returns the weighted sum of minus log probabilities of the targets.
    """
    loss = 0.0
    for r in range(len(logits)):
        row = logits[r]
        own = row[target[r]]
        top = own
        for c in range(len(row)):
            row[c] += shift[c]
        row[target[r]] = own
        for c in range(len(row)):
            top = max(top, row[c])
        total = np.float32(0.0)
        for c in range(len(row)):
            row[c] = exp32(row[c] - top)
            total += row[c]
        scale[r] = weight[r] / total
        loss += weight[r] * (np.log(total) - (own - top))
    return loss


@njit(cache=True, nogil=True)
def _subtract_targets(
    hidden: NDArray[np.float32],
    items: NDArray[np.float32],
    target: NDArray[np.int64],
    weight: NDArray[np.float32],
    d_hidden: NDArray[np.float32],
    d_items: NDArray[np.float32],
) -> None:
    for r in range(len(hidden)):
        for k in range(hidden.shape[1]):
            d_hidden[r, k] -= weight[r] * items[target[r], k]
            d_items[target[r], k] -= weight[r] * hidden[r, k]


def log_lift(
    hidden: NDArray[np.float32],
    columns: NDArray[np.float32],
    counted: NDArray[np.float32],
    scored: NDArray[np.bool_],
) -> NDArray[np.float32]:
    """[rows, products] the log of how many times likelier than a draw at random each product is.

    `hidden` [rows, size], `columns` [size, products]; the softmax is over products whose `counted`
    is 1 (not 0); those not `scored` get -inf. A row's bits do not depend on the other rows.
    """
    out = np.empty((len(hidden), columns.shape[1]), np.float32)
    log_n = np.float32(np.log(max(float(counted.sum()), 1.0)))
    over_rows(
        lambda start, stop: _lift_rows(hidden, columns, counted, scored, log_n, out, start, stop),
        len(out),
        _PIECE,
    )
    return out


@njit(cache=True, nogil=True, fastmath={"reassoc", "contract", "nsz", "nnan"})
def _lift_rows(
    hidden: NDArray[np.float32],
    columns: NDArray[np.float32],
    counted: NDArray[np.float32],
    scored: NDArray[np.bool_],
    log_n: np.float32,
    out: NDArray[np.float32],
    start: int,
    stop: int,
) -> None:
    block = 2048
    n_items = columns.shape[1]
    for r in range(start, stop):
        vector = hidden[r]
        for low in range(0, n_items, block):
            high = min(low + block, n_items)
            _dot_block(vector, columns[:, low:high], out[r, low:high])
        _normalise(out[r], counted, scored, log_n)


@njit(cache=True, nogil=True, fastmath={"reassoc", "contract", "nsz", "nnan"})
def _dot_block(
    vector: NDArray[np.float32], columns: NDArray[np.float32], out: NDArray[np.float32]
) -> None:
    out[:] = 0
    whole = len(vector) - len(vector) % 4
    for k in range(0, whole, 4):
        a, b, c, d = vector[k], vector[k + 1], vector[k + 2], vector[k + 3]
        one, two, three, four = columns[k], columns[k + 1], columns[k + 2], columns[k + 3]
        for i in range(len(out)):
            out[i] += a * one[i] + b * two[i] + c * three[i] + d * four[i]
    for k in range(whole, len(vector)):
        a, one = vector[k], columns[k]
        for i in range(len(out)):
            out[i] += a * one[i]


@njit(cache=True, nogil=True, fastmath={"reassoc", "contract", "nsz", "nnan"}, error_model="numpy")
def _normalise(
    row: NDArray[np.float32],
    counted: NDArray[np.float32],
    scored: NDArray[np.bool_],
    log_n: np.float32,
) -> None:
    top = row[0]
    for i in range(len(row)):
        top = max(top, row[i])
    total = np.float32(0.0)
    for i in range(len(row)):
        total += counted[i] * exp32(row[i] - top)
    less = np.float32(top + np.log(total)) - log_n
    for i in range(len(row)):
        row[i] = row[i] - less if scored[i] else NOT_SCORED
