"""The sequential transformer's trained network as arrays, and its forward pass without PyTorch.

Each layer mixes two looks back over the history, then passes through a small network of its own:

    looked = filter · F x + (1 - filter) · attention(x)
    h = norm(x + looked),  x' = norm(h + W2 relu(W1 h))

`F` averages earlier steps by how far back they are alone, with learnt weights per group of
channels: a low-pass filter like that of BSARec (Shin et al., AAAI 2024), made causal so that every
position of a history can be learnt from at once. `attention` is causal multi-head attention
(SASRec, Kang and McAuley, ICDM 2018) with a learnt bias per distance instead of absolute positions
(as T5's, Raffel et al., JMLR 2020): what counts is how long ago, not how long a history is.

Answers are computed one history at a time in a fixed order of operations: the bits are the same
alone or in a batch, on one thread or several.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Final

import numpy as np
from numba import njit
from numpy.typing import NDArray

from shelfwise.core.requests import Histories
from shelfwise.core.threads import over_rows
from shelfwise.retrieval.softmax import exp32

_PIECE = 16
NORM_EPSILON: Final = 1e-5


@dataclass(frozen=True)
class Steps:
    """Interactions of each request, oldest first: `item[indptr[r]:indptr[r + 1]]`."""

    indptr: NDArray[np.int64]
    item: NDArray[np.int32]
    kind: NDArray[np.int8]
    """Code of the event type that counts most among an interaction's events."""

    @classmethod
    def of(
        cls,
        history: Histories,
        type_weight: NDArray[np.float32],
        readable: NDArray[np.bool_],
        longest: int,
    ) -> Steps:
        """The latest `longest` interactions; consecutive events on one item are one interaction.

        Events of a type that weighs 0 are passed over, and items that are not `readable` [items].
        """
        return cls(
            *_steps(history.indptr, history.item, history.type, type_weight, readable, longest)
        )

    def __len__(self) -> int:
        return len(self.indptr) - 1

    def endings(self) -> Steps:
        """For one history of n steps: n histories, its last step, its last two, … all of it."""
        n = len(self.item)
        lengths = np.arange(1, n + 1)
        indptr = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        where = np.concatenate([np.arange(n - size, n) for size in lengths] or [np.empty(0, int)])
        return Steps(indptr, self.item[where], self.kind[where])


@dataclass(frozen=True)
class Network:
    """Everything between item vectors and the vector that items are scored against."""

    kind_vectors: NDArray[np.float32]
    """[event types, size] added to an item's vector, by the type of the event."""
    norms: NDArray[np.float32]
    """[1 + 2 · layers, 2, size] scale and shift of the input's norm, then each layer's two."""
    attention: NDArray[np.float32]
    """[layers, 4, size, size] to queries, keys, values and the output; x W, rows are inputs."""
    attention_bias: NDArray[np.float32]
    """[layers, 4, size] of the same."""
    distance_bias: NDArray[np.float32]
    """[layers, heads, longest] added to what a head thinks of a step so far back."""
    filters: NDArray[np.float32]
    """[layers, groups, longest] log weight of a step so far back, before it is normalised."""
    wide: NDArray[np.float32]
    """[layers, size, inner]"""
    wide_bias: NDArray[np.float32]
    narrow: NDArray[np.float32]
    """[layers, inner, size]"""
    narrow_bias: NDArray[np.float32]
    filter_share: NDArray[np.float32]
    """[1] how much of what is looked back at comes from the filter."""

    def arrays(self) -> dict[str, NDArray[Any]]:
        """The network as named arrays."""
        return {f.name: getattr(self, f.name) for f in fields(self)}

    @classmethod
    def of_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Network:
        """The network that `arrays()` was taken from; other arrays are passed over."""
        return cls(**{f.name: np.ascontiguousarray(arrays[f.name]) for f in fields(cls)})

    def vectors(self, steps: Steps, columns: NDArray[np.float32]) -> NDArray[np.float32]:
        """[histories, size] what each history leads to; `columns` [size, items]; zeros if empty."""
        out = np.zeros((len(steps), len(columns)), np.float32)
        over_rows(
            lambda start, stop: _forward(
                steps.indptr,
                steps.item,
                steps.kind,
                columns,
                self.kind_vectors,
                self.norms,
                self.attention,
                self.attention_bias,
                self.distance_bias,
                self.filters,
                self.wide,
                self.wide_bias,
                self.narrow,
                self.narrow_bias,
                self.filter_share[0],
                out,
                start,
                stop,
            ),
            len(out),
            _PIECE,
        )
        return out


@njit(cache=True, nogil=True)
def _steps(
    indptr: NDArray[np.int64],
    item: NDArray[np.int32],
    kind: NDArray[np.int8],
    type_weight: NDArray[np.float32],
    readable: NDArray[np.bool_],
    longest: int,
) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.int8]]:
    out_indptr = np.zeros(len(indptr), np.int64)
    out_item = np.empty(len(item), np.int32)
    out_kind = np.empty(len(item), np.int8)
    n = 0
    for row in range(len(indptr) - 1):
        first = n
        for at in range(indptr[row + 1] - 1, indptr[row] - 1, -1):
            if type_weight[kind[at]] <= 0 or item[at] >= len(readable) or not readable[item[at]]:
                continue
            if n > first and out_item[n - 1] == item[at]:
                if type_weight[kind[at]] > type_weight[out_kind[n - 1]]:
                    out_kind[n - 1] = kind[at]
                continue
            if n - first == longest:
                break
            out_item[n] = item[at]
            out_kind[n] = kind[at]
            n += 1
        out_item[first:n] = out_item[first:n][::-1].copy()
        out_kind[first:n] = out_kind[first:n][::-1].copy()
        out_indptr[row + 1] = n
    return out_indptr, out_item[:n], out_kind[:n]


@njit(cache=True, nogil=True)
def _forward(
    indptr: NDArray[np.int64],
    item: NDArray[np.int32],
    kind: NDArray[np.int8],
    columns: NDArray[np.float32],
    kind_vectors: NDArray[np.float32],
    norms: NDArray[np.float32],
    attention: NDArray[np.float32],
    attention_bias: NDArray[np.float32],
    distance_bias: NDArray[np.float32],
    filters: NDArray[np.float32],
    wide: NDArray[np.float32],
    wide_bias: NDArray[np.float32],
    narrow: NDArray[np.float32],
    narrow_bias: NDArray[np.float32],
    filter_share: np.float32,
    out: NDArray[np.float32],
    start: int,
    stop: int,
) -> None:
    n_layers, _, size, _ = attention.shape
    inner = wide.shape[2]
    longest = distance_bias.shape[2]
    x = np.empty((longest, size), np.float32)
    keys, values = np.empty_like(x), np.empty_like(x)
    query, looked = np.empty(size, np.float32), np.empty(size, np.float32)
    mixed, hidden = np.empty(size, np.float32), np.empty(inner, np.float32)
    weight = np.empty(longest, np.float32)
    for row in range(start, stop):
        n = indptr[row + 1] - indptr[row]
        if n == 0:
            continue
        first = indptr[row]
        _embed(item[first : first + n], kind[first : first + n], columns, kind_vectors, norms[0], x)
        for layer in range(n_layers):
            w, b = attention[layer], attention_bias[layer]
            for t in range(n):
                _affine(x[t], w[1], b[1], keys[t])
                _affine(x[t], w[2], b[2], values[t])
            # later steps first: a step is replaced only when no other needs its old value
            last_needed = n - 1 if layer == n_layers - 1 else 0
            for t in range(n - 1, last_needed - 1, -1):
                _affine(x[t], w[0], b[0], query)
                _attend(query, keys, values, distance_bias[layer], t, weight, mixed)
                _affine(mixed, w[3], b[3], looked)
                _look_back(x, filters[layer], t, weight, mixed)
                _combine(looked, mixed, filter_share, x[t])
                _norm(looked, norms[1 + 2 * layer])
                _affine(looked, wide[layer], wide_bias[layer], hidden)
                np.maximum(hidden, np.float32(0), hidden)
                _affine(hidden, narrow[layer], narrow_bias[layer], x[t])
                x[t] += looked
                _norm(x[t], norms[2 + 2 * layer])
        out[row] = x[n - 1]


@njit(cache=True, nogil=True)
def _embed(
    item: NDArray[np.int32],
    kind: NDArray[np.int8],
    columns: NDArray[np.float32],
    kind_vectors: NDArray[np.float32],
    norm: NDArray[np.float32],
    x: NDArray[np.float32],
) -> None:
    """Fills the first rows of `x` with what goes into the first layer."""
    for t in range(len(item)):
        for k in range(x.shape[1]):
            x[t, k] = columns[k, item[t]] + kind_vectors[kind[t], k]
        _norm(x[t], norm)


@njit(cache=True, nogil=True)
def _combine(
    looked: NDArray[np.float32],
    filtered: NDArray[np.float32],
    filter_share: np.float32,
    x: NDArray[np.float32],
) -> None:
    """Adds to a step, in `looked`, the mix of what attention looked at and what was filtered."""
    for k in range(len(x)):
        mix = filter_share * filtered[k] + (np.float32(1) - filter_share) * looked[k]
        looked[k] = x[k] + mix


@njit(cache=True, nogil=True)
def _norm(x: NDArray[np.float32], scale_shift: NDArray[np.float32]) -> None:
    """Layer normalisation in place (Ba, Kiros and Hinton 2016)."""
    mean = np.float32(0)
    for k in range(len(x)):
        mean += x[k]
    mean /= np.float32(len(x))
    square = np.float32(0)
    for k in range(len(x)):
        square += (x[k] - mean) ** 2
    factor = np.float32(1) / np.sqrt(square / np.float32(len(x)) + np.float32(NORM_EPSILON))
    for k in range(len(x)):
        x[k] = (x[k] - mean) * factor * scale_shift[0, k] + scale_shift[1, k]


@njit(cache=True, nogil=True, fastmath={"contract"})
def _affine(
    x: NDArray[np.float32],
    weight: NDArray[np.float32],
    bias: NDArray[np.float32],
    out: NDArray[np.float32],
) -> None:
    """`out` = x W + bias, a row of W at a time, so that the compiler computes eight at once."""
    for j in range(len(out)):
        out[j] = bias[j]
    for k in range(len(x)):
        factor = x[k]
        for j in range(len(out)):
            out[j] += factor * weight[k, j]


@njit(cache=True, nogil=True)
def _attend(
    query: NDArray[np.float32],
    keys: NDArray[np.float32],
    values: NDArray[np.float32],
    distance_bias: NDArray[np.float32],
    t: int,
    weight: NDArray[np.float32],
    out: NDArray[np.float32],
) -> None:
    """What each head reads from steps 0 to `t`."""
    n_heads = len(distance_bias)
    width = len(query) // n_heads
    scale = np.float32(1) / np.sqrt(np.float32(width))
    for head in range(n_heads):
        low = head * width
        for s in range(t + 1):
            dot = np.float32(0)
            for k in range(low, low + width):
                dot += query[k] * keys[s, k]
            weight[s] = dot * scale + distance_bias[head, t - s]
        _average(values, weight, t, low, low + width, out)


@njit(cache=True, nogil=True)
def _look_back(
    x: NDArray[np.float32],
    filters: NDArray[np.float32],
    t: int,
    weight: NDArray[np.float32],
    out: NDArray[np.float32],
) -> None:
    """What each group of channels averages over steps 0 to `t`."""
    width = x.shape[1] // len(filters)
    for group in range(len(filters)):
        for s in range(t + 1):
            weight[s] = filters[group, t - s]
        _average(x, weight, t, group * width, (group + 1) * width, out)


@njit(cache=True, nogil=True)
def _average(
    values: NDArray[np.float32],
    weight: NDArray[np.float32],
    t: int,
    low: int,
    high: int,
    out: NDArray[np.float32],
) -> None:
    """Channels `low` to `high` of `values`, averaged by the softmax of `weight` over 0 to `t`."""
    top = weight[0]
    for s in range(t + 1):
        top = max(top, weight[s])
    total = np.float32(0)
    for s in range(t + 1):
        weight[s] = exp32(weight[s] - top)
        total += weight[s]
    for k in range(low, high):
        out[k] = 0
    for s in range(t + 1):
        share = weight[s] / total
        for k in range(low, high):
            out[k] += share * values[s, k]
