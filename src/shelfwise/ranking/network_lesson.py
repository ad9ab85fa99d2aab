"""What the fusion network learns from, how, and what comes of it. Knows no torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from shelfwise.core.errors import NotEnoughDataError
from shelfwise.core.extras import need
from shelfwise.core.settings import Settings
from shelfwise.ranking.judged import JudgedLists
from shelfwise.ranking.network_layers import Layers


class NetworkConfig(Settings):
    """Shape and training of the fusion network.

    With `beside` at "nothing" it is the published one: Dense(100), Dropout(0.5), Adam at 0.001,
    binary cross-entropy, ten epochs, patience 3.
    """

    embedding_size: int = Field(default=32, ge=1)
    """Length of the vector that each group of features (behaviour, product, reviews, sources) is
    embedded in."""
    hidden: int = Field(default=100, ge=1)
    """Units of the layer over the joined embeddings."""
    dropout: float = Field(default=0.5, ge=0, lt=1)
    """Share of those units that is silenced at each training step."""
    learning_rate: float = Field(default=1e-3, gt=0)
    """Adam's step."""
    l2: float = Field(default=1e-5, ge=0)
    """Penalty on squared weights, added to the loss of a request."""
    epochs: int = Field(default=10, ge=1)
    """Passes over the training requests at most."""
    patience: int = Field(default=3, ge=1)
    """Epochs without a lower held-out loss after which training stops; the best epoch is kept."""
    requests_per_step: int = Field(default=16, ge=1)
    """Requests whose rows are learnt from at a time."""
    loss: Literal["logistic", "softmax"] = "logistic"
    """logistic: binary cross-entropy of each row; softmax: which row of a request is taken."""
    beside: Literal["nothing", "linear"] = "linear"
    """What the network's logit is added to: nothing, or the linear ranker's score, which helps
    where requests are few."""
    device: Literal["cpu", "cuda"] = "cpu"
    """Where it is trained; layers this small are as fast on a processor."""


@dataclass(frozen=True)
class Epoch:
    """Errors after one pass; means over rows, a row counting for all candidates it stands for.

    In training with dropout, over the pass; held out without. NaN where nothing is held out.
    """

    loss: float
    """What is minimised, per request; with the logistic loss the sum of `bce` over its rows."""
    bce: float
    """Binary cross-entropy of the last head's probabilities."""
    mse: float
    """Mean squared error of the last head's probabilities."""
    mae: float
    """Mean absolute error of the last head's probabilities."""
    held_out_loss: float
    held_out_bce: float
    held_out_mse: float
    held_out_mae: float


@dataclass(frozen=True)
class Trained:
    """The layers of the best epoch, and the errors of every epoch."""

    layers: Layers
    epochs: tuple[Epoch, ...]
    best: int
    """Epochs trained when the layers were kept, from 1."""


@dataclass(frozen=True)
class Heads:
    """What the logits mean."""

    after: tuple[int, ...]
    """Head `t` is a chance given that head `after[t]` comes true; -1: given nothing."""


@dataclass(frozen=True)
class Labelled:
    """Requests with an outcome for each head."""

    lists: JudgedLists
    labels: NDArray[np.float32]
    """[n_rows, n_heads] 1 where it came true, 0 where not."""
    offset: NDArray[np.float32]
    """[n_rows] added to the first head's logit: what is known before the network."""

    def row_weights(self) -> NDArray[np.float32]:
        """[n_rows] how many candidates each stands for.

        One that came true was kept for certain, and stands for itself alone.
        """
        others = np.exp(self.lists.log_weight)
        out: NDArray[np.float32] = np.where(self.labels.any(axis=1), np.float32(1), others)
        return out


def train_layers(
    fit: Labelled, stop: Labelled | None, heads: Heads, config: NetworkConfig, seed: int
) -> Trained:
    """The layers that explain best which rows of `fit` came true, as many epochs as suit `stop`.

    Without `stop`, all of `config.epochs`. Raises `MissingExtraError` without torch.
    """
    need("torch", "deep", "The fusion network is trained")
    if not fit.labels.any():
        raise NotEnoughDataError(
            "No row to learn from came true.",
            remedy="Fuse without the network until there are some.",
        )
    from shelfwise.ranking.network_training import descend  # noqa: PLC0415 - torch is optional

    return descend(fit, stop, heads, config, seed)
