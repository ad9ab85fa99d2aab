"""The funnel's network beside the outlook's curves, and which of the two may promise.

A curve reads one thing of a row: how far the ranker puts it before the others. The network reads
every feature, learns from clicks, carts and purchases together, and may say that a product likely
to be looked at is not the one likely to be bought; with few shoppers it is the worse for it. So
both promise shoppers that they have not learnt from, and the network takes over an outcome only
where it surely loses less.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from shelfwise.core.errors import BadInputError
from shelfwise.ranking.funnel import FunnelNetwork
from shelfwise.ranking.network_lesson import NetworkConfig

EPOCHS: Final = 30
"""Passes at most: rows are few, and held-out shoppers stop the training (mostly after 5 to 15)."""
SURE: Final = 2.0
"""Standard errors by which the network's mean loss per shopper must be lower."""
_LEAST_CHANCE: Final = 1e-6


@dataclass(frozen=True)
class ShownRows:
    """The first places of each shopper's list."""

    names: tuple[str, ...]
    features: NDArray[np.float32]
    indptr: NDArray[np.int64]
    happened: Mapping[str, NDArray[np.bool_]]
    """[n_rows] by step of the funnel."""
    place: NDArray[np.int64]
    """[n_rows] in the list, from 1."""

    def request(self) -> NDArray[np.int64]:
        """[n_rows] whose list each row is in."""
        return np.repeat(np.arange(len(self.indptr) - 1), np.diff(self.indptr))

    def take(self, requests: NDArray[np.bool_]) -> ShownRows:
        """The rows of some shoppers."""
        rows = requests[self.request()]
        return ShownRows(
            self.names,
            self.features[rows],
            np.append(0, np.cumsum(np.diff(self.indptr)[requests])),
            {name: one[rows] for name, one in self.happened.items()},
            self.place[rows],
        )


@dataclass(frozen=True)
class Learnt:
    """What the network promises shoppers it has not learnt from, and one that learnt from all."""

    network: FunnelNetwork
    promised: dict[str, NDArray[np.float32]]
    """By outcome [n_rows]."""


def learn_network(
    rows: ShownRows, config: NetworkConfig, rng: np.random.Generator
) -> Learnt | None:
    """The network of these rows, measured across two halves of the shoppers; None: too few acted.

    Shoppers are halved by their place, which must be random.
    """
    half = np.arange(len(rows.indptr) - 1) % 2 == 0
    config = config.model_copy(update={"epochs": EPOCHS})
    seeds = [int(rng.integers(2**63)) for _ in range(3)]
    promised = {name: np.full(len(rows.features), np.nan, np.float32) for name in rows.happened}
    try:
        for fit, seed in zip((half, ~half), seeds, strict=False):
            network = _fitted(rows.take(fit), config, seed)
            asked = ~fit[rows.request()]
            for name, chance in network.probabilities(rows.features[asked]).items():
                promised[name][asked] = chance
        whole = _fitted(rows, config, seeds[2])
    except BadInputError:
        return None
    known = {name: one for name, one in promised.items() if not np.isnan(one).any()}
    return Learnt(whole, {name: one for name, one in known.items() if name in whole.heads})


def surely_better(
    one: NDArray[np.float32],
    other: NDArray[np.float32],
    happened: NDArray[np.bool_],
    indptr: NDArray[np.int64],
) -> bool:
    """Whether the chances `one` lose surely less than `other`, shopper by shopper (paired t)."""
    gap = np.add.reduceat(
        log_losses(one, happened) - log_losses(other, happened), indptr[:-1][np.diff(indptr) > 0]
    )
    if len(gap) < 2:
        return False
    return bool(gap.mean() < -SURE * gap.std(ddof=1) / np.sqrt(len(gap)))


def log_losses(chance: NDArray[np.float32], happened: NDArray[np.bool_]) -> NDArray[np.float64]:
    """[n_rows] negative log likelihood, in nats.

    >>> log_losses(np.array([0.5, 1.0], np.float32), np.array([True, True])).round(3).tolist()
    [0.693, 0.0]
    """
    p = np.clip(chance.astype(np.float64), _LEAST_CHANCE, 1 - _LEAST_CHANCE)
    losses: NDArray[np.float64] = -np.log(np.where(happened, p, 1 - p))
    return losses


def _fitted(rows: ShownRows, config: NetworkConfig, seed: int) -> FunnelNetwork:
    return FunnelNetwork.fit(
        rows.features, rows.names, rows.indptr, rows.happened, config, np.random.default_rng(seed)
    )
