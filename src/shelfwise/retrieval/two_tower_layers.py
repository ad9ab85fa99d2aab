"""The two towers as arrays, and the vectors they give products. Knows no torch."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray
from scipy import sparse


@dataclass(frozen=True)
class Tower:
    """A residual layer: x + W₂ · relu(W₁ x + b)."""

    inner: NDArray[np.float32]
    """[size, hidden]."""
    bias: NDArray[np.float32]
    outer: NDArray[np.float32]
    """[hidden, size]."""

    def of(self, inputs: NDArray[np.float32]) -> NDArray[np.float32]:
        """[n, size]; zeros where the input is all zeros."""
        out: NDArray[np.float32] = (
            inputs + np.maximum(inputs @ self.inner + self.bias, 0) @ self.outer
        )
        out[~inputs.any(axis=1)] = 0
        return out


@dataclass(frozen=True)
class Towers:
    """Vectors of tokens and ids, and what each tower makes of their sum."""

    token_vectors: NDArray[np.float32]
    """[tokens, size]."""
    item: Tower
    """From a product to what a shopper's vector is compared with."""
    step: Tower
    """From a product of a history to what it adds to the shopper's vector."""

    def inputs(
        self, content: sparse.csr_matrix, ids: NDArray[np.float32] | None
    ) -> NDArray[np.float32]:
        """[n, size] the weighted sum of each product's token vectors, and its own vector if any."""
        known: NDArray[np.float32] = np.asarray(content @ self.token_vectors, np.float32)
        return known if ids is None else known + ids

    def item_vectors(self, inputs: NDArray[np.float32]) -> NDArray[np.float32]:
        """[n, size] of length 1; zeros for a product of which nothing is known."""
        return to_length_one(self.item.of(inputs))

    def arrays(self) -> dict[str, NDArray[np.float32]]:
        """Everything learnt, by name."""
        out = {"token_vectors": self.token_vectors}
        for name in ("item", "step"):
            tower = getattr(self, name)
            out |= {f"{name}_{f.name}": getattr(tower, f.name) for f in fields(Tower)}
        return out

    @classmethod
    def of_arrays(cls, arrays: dict[str, NDArray[np.float32]]) -> Towers:
        """The towers that `arrays` was taken from."""
        item, step = (
            Tower(**{f.name: arrays[f"{name}_{f.name}"] for f in fields(Tower)})
            for name in ("item", "step")
        )
        return cls(arrays["token_vectors"], item, step)


def to_length_one(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """The vectors with length 1, those of (nearly) no length as zeros."""
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.where(length > 1e-6, vectors / np.maximum(length, 1e-6), 0).astype(np.float32)
