"""How the sequential transformer is trained: its shape, its batches, and how many of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class TrainingRule:
    """How the network is shaped and trained; see `SequentialConfig` for what each means."""

    size: int
    layers: int
    heads: int
    longest: int
    filter_share: float
    dropout: float
    id_dropout: float
    learning_rate: float
    batch_steps: int
    n_batches: int
    """Batches in all; they stop in the middle of an epoch where they must."""
    sampled: int | None
    """Products a batch's targets compete with; none: all of them."""


def batches_of_epoch(lengths: NDArray[np.int64], batch_steps: int) -> int:
    """How many batches one epoch over histories of these lengths has."""
    return sum(1 for _ in batch_parts(np.argsort(lengths, kind="stable"), lengths, batch_steps))


def batch_parts(
    order: NDArray[np.int64], lengths: NDArray[np.int64], batch_steps: int
) -> Iterator[NDArray[np.int64]]:
    """Parts of `order`, whose lengths ascend, of at most `batch_steps` padded steps each."""
    start = 0
    sizes = lengths[order]
    while start < len(order):
        counts = np.arange(1, len(order) - start + 1)[: batch_steps + 1]
        fits = sizes[start : start + len(counts)] * counts <= batch_steps
        taken = max(1, int(fits.sum()))
        yield order[start : start + taken]
        start += taken
