"""The fusion network: behaviour, product and review features, each embedded, then joined.

Every group of features has a layer of its own; the embeddings are concatenated and go through
Dense(100, ReLU), Dropout(0.5) and one logit, trained with Adam on the binary cross-entropy of that
logit's sigmoid. What the sources think is a fourth input. With `beside="linear"` the logit is added
to the linear ranker's score, which the network then need not learn again (Wide & Deep, Cheng et
al., DLRS 2016). Held-out NDCG@10, linear / alone / beside linear: Beauty .0853 / .0886 / .0879, UCI
.2994 / .3010 / .3029, Gift Cards .1962 / .1835 / .1988 (3,654, 683 and 248 requests to learn from).

>>> rng = np.random.default_rng(0)
>>> names = ("user.recency", "item.log_price", "item.rating", "als.z")
>>> features = rng.normal(size=(2000, 4)).astype(np.float32)  # 200 requests of 10 candidates
>>> indptr = np.arange(0, 2001, 10)
>>> relevance = (features[:, 2] > 1.5).astype(np.float32)  # the well rated are taken
>>> network = FusionNetwork.fit(features, names, indptr, relevance, NetworkConfig(), rng)
>>> good, bad = network.probabilities(np.array([[0, 0, 2, 0], [0, 0, -2, 0]], np.float32))
>>> bool(good > 0.3 > 0.03 > bad), len(network.epochs) <= 10
(True, True)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from shelfwise.core.model import ModelState
from shelfwise.ranking.judged import JudgedLists
from shelfwise.ranking.linear import LinearConfig, LinearRanker
from shelfwise.ranking.network_layers import Layers
from shelfwise.ranking.network_lesson import (
    Epoch,
    Heads,
    Labelled,
    NetworkConfig,
    train_layers,
)

_ONE = Heads((-1,))


@dataclass(frozen=True)
class FusionNetwork:
    """Scores rows of features; trained with torch, scored without it."""

    names: tuple[str, ...]
    """The features it reads, in this order."""
    layers: Layers
    linear: LinearRanker | None
    """Whose score the network's logit is added to; None: to nothing."""
    epochs: tuple[Epoch, ...]
    """Errors of each epoch of training."""
    best_epoch: int
    """The one whose layers were kept, from 1; 0: those it began with."""

    @classmethod
    def fit(
        cls,
        features: NDArray[np.float32],
        names: Sequence[str],
        indptr: NDArray[np.int64],
        relevance: NDArray[np.float32],
        config: NetworkConfig,
        rng: np.random.Generator,
    ) -> FusionNetwork:
        """The network of these requests; every fifth is held out to stop the training."""
        lists = JudgedLists.of(features, tuple(names), indptr, relevance)
        held = rng.permutation(len(lists)) % 5 == 0
        fit = lists.take(lists.learnable() & ~held)
        linear = None
        if config.beside == "linear":
            linear = LinearRanker.fit_lists(fit, LinearConfig())
        return cls.fit_lists(fit, linear, config, rng, lists.take(lists.learnable() & held))

    @classmethod
    def fit_lists(
        cls,
        lists: JudgedLists,
        linear: LinearRanker | None,
        config: NetworkConfig,
        rng: np.random.Generator,
        stop: JudgedLists | None = None,
    ) -> FusionNetwork:
        """The same from judged lists: the best epoch for `stop`, or without it the last."""
        own = linear if config.beside == "linear" else None
        trained = train_layers(
            _labelled(lists, own),
            None if stop is None else _labelled(stop, own),
            _ONE,
            config,
            int(rng.integers(2**63)),
        )
        return cls(lists.names, trained.layers, own, trained.epochs, trained.best)

    def named_weights(self) -> dict[str, float]:
        """The weight of each standardised feature in the linear part; empty without one."""
        return {} if self.linear is None else self.linear.named_weights()

    def score(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """[n_rows] the logit; a row's never depends on others."""
        out = self.layers.logits(features)[:, 0]
        return out if self.linear is None else out + self.linear.score(features)

    def probabilities(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """[n_rows] the sigmoid of the logit: the chance that the row is relevant.

        Only with the logistic loss; with the softmax loss a logit is known up to a constant.
        """
        out: NDArray[np.float64] = 1 / (1 + np.exp(-self.score(features).astype(np.float64)))
        return out.astype(np.float32)

    def contributions(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """[n_rows, n_features] what each feature adds, against a row that is average in all."""
        out = self.layers.contributions(features, 0)
        return out if self.linear is None else out + self.linear.contributions(features)

    def state(self) -> ModelState:
        """The ranker as plain data."""
        arrays = {f"network_{name}": value for name, value in self.layers.state().arrays.items()}
        settings: dict[str, Any] = {
            "names": list(self.names),
            "linear": self.linear is not None,
            "epochs": msgspec.to_builtins(self.epochs),
            "best_epoch": self.best_epoch,
        }
        return ModelState(
            settings, arrays if self.linear is None else arrays | self.linear.state().arrays
        )

    @classmethod
    def from_state(cls, state: ModelState) -> FusionNetwork:
        """The ranker that `state` was taken from; its scores are identical."""
        prefix = "network_"
        layers = {
            name.removeprefix(prefix): value
            for name, value in state.arrays.items()
            if name.startswith(prefix)
        }
        return cls(
            tuple(state.settings["names"]),
            Layers.from_state(ModelState({}, layers)),
            LinearRanker.from_state(state) if state.settings["linear"] else None,
            msgspec.convert(state.settings["epochs"], tuple[Epoch, ...]),
            state.settings["best_epoch"],
        )


def _labelled(lists: JudgedLists, linear: LinearRanker | None) -> Labelled:
    label = (lists.relevance > 0).astype(np.float32)[:, None]
    offset = np.zeros(len(label), np.float32) if linear is None else linear.score(lists.features)
    return Labelled(lists, label, offset)
