"""Trains the layers of the fusion network: the file of ranking that needs torch.

One thread and an own generator: the same seed gives the same layers, whatever else the process
draws, and layers this small gain nothing from a second thread.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from shelfwise.ranking.feature_groups import feature_groups
from shelfwise.ranking.network_layers import Layers
from shelfwise.ranking.network_lesson import Epoch, Heads, Labelled, NetworkConfig, Trained


def _start(data: Labelled, heads: Heads, config: NetworkConfig, rng: np.random.Generator) -> Layers:
    """Layers drawn as Glorot and Bengio (AISTATS 2010) do; each head begins at its usual odds."""
    lists = data.lists
    groups = list(feature_groups(lists.names).values())
    columns = np.concatenate([np.array(group, np.int64) for group in groups])
    mean, scale = _standard(lists.features[:, columns])
    indptr = np.cumsum([0, *(len(group) for group in groups)]).astype(np.int64)
    size = config.embedding_size
    width = len(groups) * size
    spread = np.repeat([math.sqrt(6 / (len(group) + size)) for group in groups], np.diff(indptr))
    embed = rng.uniform(-1, 1, (len(columns), size)) * spread[:, None]
    bound = math.sqrt(6 / (width + config.hidden))
    return Layers(
        columns=columns,
        mean=mean,
        scale=scale,
        group_indptr=indptr,
        embed_weights=embed.astype(np.float32),
        embed_bias=np.zeros((len(groups), size), np.float32),
        hidden_weights=rng.uniform(-bound, bound, (width, config.hidden)).astype(np.float32),
        hidden_bias=np.zeros(config.hidden, np.float32),
        head_weights=np.zeros((config.hidden, len(heads.after)), np.float32),
        head_bias=_usual_odds(data, heads),
    )


def _usual_odds(data: Labelled, heads: Heads) -> NDArray[np.float32]:
    """[n_heads] log-odds of each head, given what comes before it."""
    weight = data.row_weights().astype(np.float64)
    total = weight @ data.labels
    given = [weight.sum() if before < 0 else total[before] for before in heads.after]
    share = (total + 1) / (np.array(given) + 2)
    odds: NDArray[np.float64] = np.log(share / (1 - share))
    return odds.astype(np.float32)


def _standard(
    features: NDArray[np.float32],
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Mean and 1 / standard deviation of each column's known values; 0 for one that never varies.

    Column by column: a copy of all of them would double the memory.
    """
    mean = np.zeros(features.shape[1], np.float32)
    scale = np.zeros(features.shape[1], np.float32)
    for at in range(features.shape[1]):
        column = features[:, at].astype(np.float64)
        known = column[np.isfinite(column)]
        if len(known) == 0:
            continue
        middle, spread = float(known.mean()), float(known.std())
        mean[at] = middle
        if spread > 1e-6 * max(1.0, abs(middle)):
            scale[at] = 1.0 / spread
    return mean, scale


_LEARNT = (
    "embed_weights",
    "embed_bias",
    "hidden_weights",
    "hidden_bias",
    "head_weights",
    "head_bias",
)


class _Batches:
    """Labelled requests as tensors, in pieces of whole requests."""

    def __init__(self, data: Labelled, layers: Layers, device: str) -> None:
        lists = data.lists
        self.indptr = lists.indptr
        self.device = device
        self.rows = _Rows(
            *(
                torch.from_numpy(np.ascontiguousarray(column, np.float32)).to(device)
                for column in (
                    layers.inputs(lists.features),
                    data.labels,
                    data.row_weights(),
                    data.offset,
                    lists.log_weight,
                    lists.relevance,
                )
            )
        )

    def of(self, requests: NDArray[np.int64]) -> _Batch:
        """The rows of these requests."""
        first, length = self.indptr[requests], self.indptr[requests + 1] - self.indptr[requests]
        ends = np.cumsum(length)
        at = np.arange(ends[-1]) + np.repeat(first - ends + length, length)
        where = torch.from_numpy(at).to(self.device)
        of_request = np.repeat(np.arange(len(requests)), length)
        return _Batch(
            _Rows(*(column[where] for column in self.rows)),
            torch.from_numpy(of_request).to(self.device),
            len(requests),
        )

    def pieces(self, order: NDArray[np.int64], size: int) -> Iterator[_Batch]:
        """Batches of `size` requests each, in this order."""
        for begin in range(0, len(order), size):
            yield self.of(order[begin : begin + size])


class _Rows(NamedTuple):
    """Columns of rows; see `Labelled` and `JudgedLists`."""

    inputs: Tensor
    labels: Tensor
    weight: Tensor
    offset: Tensor
    log_weight: Tensor
    relevance: Tensor


@dataclass(frozen=True)
class _Batch:
    rows: _Rows
    request: Tensor
    """[n_rows] place of each row's request in the batch."""
    n_requests: int


class _Network:
    """The layers as tensors that learn."""

    def __init__(self, layers: Layers, heads: Heads, config: NetworkConfig, seed: int) -> None:
        self.layers = layers
        self.heads = heads
        self.config = config
        self.noise = torch.Generator(config.device).manual_seed(seed)
        self.learnt = {
            name: torch.from_numpy(getattr(layers, name).copy()).to(config.device).requires_grad_()
            for name in _LEARNT
        }

    def logits(self, batch: _Batch, *, learning: bool) -> Tensor:
        """[n_rows, n_heads], with dropout while learning."""
        own, indptr = self.learnt, self.layers.group_indptr.tolist()
        embedded = [
            batch.rows.inputs[:, a:b] @ own["embed_weights"][a:b] + own["embed_bias"][g]
            for g, (a, b) in enumerate(pairwise(indptr))
        ]
        joined = torch.relu(torch.cat(embedded, dim=1))
        hidden = torch.relu(joined @ own["hidden_weights"] + own["hidden_bias"])
        if learning and self.config.dropout > 0:
            kept = 1 - self.config.dropout
            drawn = torch.rand(hidden.shape, generator=self.noise, device=hidden.device)
            hidden = hidden * ((drawn < kept) / kept)
        out = hidden @ own["head_weights"] + own["head_bias"]
        first = torch.zeros_like(out)
        first[:, 0] = batch.rows.offset
        return out + first

    def frozen(self) -> Layers:
        """The layers as they are now, as arrays."""
        now = {name: value.detach().cpu().numpy().copy() for name, value in self.learnt.items()}
        return replace(self.layers, **now)


def log_chances(logits: Tensor, heads: Heads) -> tuple[list[Tensor], list[Tensor]]:
    """For each head [n_rows] the logarithm of its chance, and of that of the contrary.

    A chain multiplies (Ma et al., SIGIR 2018, ESMM): p(purchase) = p(click) · p(purchase | click).
    """
    yes: list[Tensor] = []
    no: list[Tensor] = []
    for t, before in enumerate(heads.after):
        here = functional.logsigmoid(logits[:, t])
        not_here = functional.logsigmoid(-logits[:, t])
        if before < 0:
            yes.append(here)
            no.append(not_here)
        else:
            yes.append(yes[before] + here)
            no.append(torch.logaddexp(no[before], yes[before] + not_here))
    return yes, no


def _loss(logits: Tensor, batch: _Batch, heads: Heads, config: NetworkConfig) -> Any:
    """The mean over requests of what is minimised."""
    if config.loss == "softmax":
        return _softmax_loss(logits[:, 0], batch) / batch.n_requests
    yes, no = log_chances(logits, heads)
    total: Any = 0.0
    for t in range(len(heads.after)):
        label = batch.rows.labels[:, t]
        total = total - (batch.rows.weight * (label * yes[t] + (1 - label) * no[t])).sum()
    return total / batch.n_requests


def _softmax_loss(score: Tensor, batch: _Batch) -> Any:
    """The multinomial logit's loss, as of the linear ranker."""
    shown = score + batch.rows.log_weight
    highest = torch.full((batch.n_requests,), -torch.inf, device=score.device)
    highest = highest.scatter_reduce(0, batch.request, shown.detach(), "amax")
    total = torch.zeros(batch.n_requests, device=score.device).index_add(
        0, batch.request, torch.exp(shown - highest[batch.request])
    )
    gain = torch.zeros_like(total).index_add(0, batch.request, batch.rows.relevance)
    taken = torch.zeros_like(total).index_add(0, batch.request, batch.rows.relevance * shown)
    return (torch.log(total) + highest - taken / gain.clamp_min(1e-12)).sum()


class _Errors:
    """Running sums of the errors of one pass."""

    def __init__(self) -> None:
        self.total = np.zeros(5)
        self.n_requests = 0

    def add(self, loss: float, logits: Tensor, batch: _Batch, heads: Heads) -> None:
        with torch.no_grad():
            yes, no = log_chances(logits, heads)
            label, weight = batch.rows.labels[:, -1], batch.rows.weight
            gap = label - torch.exp(yes[-1])
            entropy = -(label * yes[-1] + (1 - label) * no[-1])
            sums = [float((weight * each).sum()) for each in (entropy, gap**2, gap.abs())]
        self.total += [loss * batch.n_requests, *sums, float(weight.sum())]
        self.n_requests += batch.n_requests

    def means(self) -> tuple[float, float, float, float]:
        loss, bce, mse, mae, weight = self.total.tolist()
        return loss / max(self.n_requests, 1), bce / weight, mse / weight, mae / weight


def descend(
    fit: Labelled, stop: Labelled | None, heads: Heads, config: NetworkConfig, seed: int
) -> Trained:
    """See `train_layers`. Each step follows the gradient of a few requests' loss by Adam."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        return _descend(fit, stop, heads, config, seed)
    finally:
        torch.set_num_threads(threads)


def _descend(
    fit: Labelled, stop: Labelled | None, heads: Heads, config: NetworkConfig, seed: int
) -> Trained:
    start = _start(fit, heads, config, np.random.default_rng(seed))
    network = _Network(start, heads, config, seed)
    adam = torch.optim.Adam(
        network.learnt.values(), lr=config.learning_rate, weight_decay=config.l2
    )
    batches = _Batches(fit, start, config.device)
    watched = None if stop is None or len(stop.lists) == 0 else _Batches(stop, start, config.device)
    order = np.random.default_rng(seed)
    epochs: list[Epoch] = []
    best, kept = math.inf, (start, 0)
    while len(epochs) < config.epochs:
        errors = _Errors()
        shuffled = order.permutation(len(fit.lists))
        for batch in batches.pieces(shuffled, config.requests_per_step):
            logits = network.logits(batch, learning=True)
            loss = _loss(logits, batch, heads, config)
            adam.zero_grad()
            loss.backward()
            adam.step()
            errors.add(float(loss.detach()), logits, batch, heads)
        held = _held_out(network, watched)
        epochs.append(Epoch(*errors.means(), *held))
        if watched is None or held[0] < best:
            best, kept = held[0], (network.frozen(), len(epochs))
        elif len(epochs) - kept[1] >= config.patience:
            break
    return Trained(kept[0], tuple(epochs), kept[1])


def _held_out(network: _Network, watched: _Batches | None) -> tuple[float, float, float, float]:
    if watched is None:
        return (math.nan,) * 4
    errors = _Errors()
    with torch.no_grad():
        every = np.arange(len(watched.indptr) - 1)
        for batch in watched.pieces(every, 64):
            logits = network.logits(batch, learning=False)
            loss = _loss(logits, batch, network.heads, network.config)
            errors.add(float(loss), logits, batch, network.heads)
    return errors.means()
