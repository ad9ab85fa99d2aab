"""The layers of the fusion network as arrays, and what they make of rows of features.

Compiled, a row at a time: a matrix product of BLAS sums in another order for another number of
rows, and a product must not change its score with the company it is in. Knows no torch.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from shelfwise.core.model import ModelState
from shelfwise.core.threads import over_rows

CLIP = np.float32(5.0)
"""Standardised features are cut off here: one wild value must not drive a whole layer."""
_PIECE = 512
_SUM = {"reassoc", "contract", "nsz"}


@dataclass(frozen=True)
class Layers:
    """Groups of inputs, an embedding of each, one hidden layer over all of them, and heads."""

    columns: NDArray[np.int64]
    """[n_inputs] the feature that each input is, group by group."""
    mean: NDArray[np.float32]
    """[n_inputs] over the training rows where the feature is known."""
    scale: NDArray[np.float32]
    """[n_inputs] 1 / standard deviation over the same; 0 for a feature that never varies."""
    group_indptr: NDArray[np.int64]
    """[n_groups + 1] where each group's inputs begin and end."""
    embed_weights: NDArray[np.float32]
    """[n_inputs, embedding_size]; an input speaks to the embedding of its own group alone."""
    embed_bias: NDArray[np.float32]
    """[n_groups, embedding_size]."""
    hidden_weights: NDArray[np.float32]
    """[n_groups · embedding_size, hidden]."""
    hidden_bias: NDArray[np.float32]
    head_weights: NDArray[np.float32]
    """[hidden, n_heads]."""
    head_bias: NDArray[np.float32]

    @property
    def n_heads(self) -> int:
        """How many logits a row gets."""
        return len(self.head_bias)

    def inputs(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """[n_rows, n_inputs] standardised within ±`CLIP`; 0, the average, where NaN."""
        out = np.empty((len(features), len(self.columns)), np.float32)
        _standardise(features, self.columns, self.mean, self.scale, out)
        return out

    def logits(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """[n_rows, n_heads]; a row's do not depend on the others, to the last bit."""
        out = np.empty((len(features), self.n_heads), np.float32)

        def work(start: int, stop: int) -> None:
            _forward(
                features[start:stop],
                self.columns,
                self.mean,
                self.scale,
                self.group_indptr,
                self.embed_weights,
                self.embed_bias,
                self.hidden_weights,
                self.hidden_bias,
                self.head_weights,
                self.head_bias,
                out[start:stop],
            )

        over_rows(work, len(features), _PIECE)
        return out

    def contributions(self, features: NDArray[np.float32], head: int) -> NDArray[np.float32]:
        """[n_rows, n_features] what each feature adds to one logit against an average row's.

        DeepLIFT's rescale rule (Shrikumar, Greenside and Kundaje, ICML 2017, section 3.5.1): a unit
        passes on its change of output over its change of input, so that the sum over the features
        is exactly the row's logit less that of the average row.
        """
        x = self.inputs(features)
        n_groups, size = self.embed_bias.shape
        rows = [slice(*self.group_indptr[g : g + 2]) for g in range(n_groups)]
        change = np.concatenate([x[:, own] @ self.embed_weights[own] for own in rows], axis=1)
        bias = self.embed_bias.ravel()
        moved = np.maximum(change + bias, 0) - np.maximum(bias, 0)
        hidden_change = moved @ self.hidden_weights
        usual = np.maximum(bias, 0) @ self.hidden_weights + self.hidden_bias
        back = _slope(hidden_change, usual) * self.head_weights[:, head]
        back = (back @ self.hidden_weights.T) * _slope(change, bias)
        out = np.zeros(features.shape, np.float32)
        for g, own in enumerate(rows):
            pull = back[:, g * size : (g + 1) * size] @ self.embed_weights[own].T
            out[:, self.columns[own]] = x[:, own] * pull
        return out

    def state(self) -> ModelState:
        """The layers as plain data."""
        return ModelState({}, {f.name: getattr(self, f.name) for f in fields(self)})

    @classmethod
    def from_state(cls, state: ModelState) -> Layers:
        """The layers that `state` was taken from; their logits are identical."""
        return cls(**{f.name: state.arrays[f.name] for f in fields(cls)})


def _slope(change: NDArray[np.float32], usual: NDArray[np.float32]) -> NDArray[np.float32]:
    """Change of a rectifier's output over that of its input; its derivative where both are tiny."""
    before, after = np.maximum(usual, 0), np.maximum(usual + change, 0)
    small = np.abs(change) < 1e-6
    ratio: NDArray[np.float32] = (after - before) / np.where(small, 1, change)
    return np.where(small, (usual > 0).astype(np.float32), ratio)


@njit(cache=True, nogil=True)
def _standardise(features: Any, columns: Any, mean: Any, scale: Any, out: Any) -> None:
    for i in range(len(features)):
        for k in range(len(columns)):
            out[i, k] = _standard(features[i, columns[k]], mean[k], scale[k])


@njit(cache=True, nogil=True, inline="always")
def _standard(value: Any, mean: Any, scale: Any) -> Any:
    if math.isnan(value) or scale == 0:
        return np.float32(0.0)
    return min(max((value - mean) * scale, -CLIP), CLIP)


@njit(cache=True, nogil=True, fastmath=_SUM)
def _forward(
    features: Any,
    columns: Any,
    mean: Any,
    scale: Any,
    group_indptr: Any,
    embed_weights: Any,
    embed_bias: Any,
    hidden_weights: Any,
    hidden_bias: Any,
    head_weights: Any,
    head_bias: Any,
    out: Any,
) -> None:
    n_groups, size = embed_bias.shape
    joined = np.empty(n_groups * size, np.float32)
    hidden = np.empty(len(hidden_bias), np.float32)
    for i in range(len(features)):
        for g in range(n_groups):
            embedded = joined[g * size : (g + 1) * size]
            embedded[:] = embed_bias[g]
            for k in range(group_indptr[g], group_indptr[g + 1]):
                x = _standard(features[i, columns[k]], mean[k], scale[k])
                if x != 0:
                    _add(embedded, x, embed_weights[k])
        hidden[:] = hidden_bias
        _add_layer(hidden, joined, hidden_weights)
        out[i] = head_bias
        _add_layer(out[i], hidden, head_weights)


@njit(cache=True, nogil=True, fastmath=_SUM)
def _add_layer(out: Any, before: Any, weights: Any) -> None:
    """Adds the product of the rectified units before and the weights; silent units cost nothing."""
    for j in range(len(before)):
        if before[j] > 0:
            _add(out, before[j], weights[j])


@njit(cache=True, nogil=True, fastmath=_SUM, inline="always")
def _add(out: Any, x: Any, weights: Any) -> None:
    for j in range(len(out)):
        out[j] += x * weights[j]
