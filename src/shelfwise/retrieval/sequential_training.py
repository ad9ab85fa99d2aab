"""Trains the sequential transformer with PyTorch. Imported only while fitting: PyTorch is optional.

Every position of every history is learnt from at once. Histories of like length share a batch, so
that nothing is computed for padding; the softmax, nearly all of the work, is `softmax_loss`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import torch
from numba import njit
from numpy.typing import NDArray
from scipy import sparse
from threadpoolctl import threadpool_limits
from torch import Tensor, nn
from torch.nn import functional

from shelfwise.core.columns import EVENT_TYPES
from shelfwise.core.threads import n_threads, over_rows
from shelfwise.retrieval.sequential_network import NORM_EPSILON, Network, Steps
from shelfwise.retrieval.sequential_rule import TrainingRule, batch_parts
from shelfwise.retrieval.softmax import softmax_loss

_SPREAD: Final = 0.02
"""Standard deviation of the random start, as BERT's."""
_WARM_UP: Final = 0.05
"""Share of the steps in which the learning rate rises to its height."""
_PIECE = 512


@dataclass(frozen=True)
class Trained:
    """What training gave. An item's vector is its own plus the weighted sum of its tokens'."""

    network: Network
    ids: NDArray[np.float32]
    """[items, size]"""
    tokens: NDArray[np.float32]
    """[tokens, size]"""


@dataclass(frozen=True)
class Batch:
    """Histories of like length, padded at the end; `target` is what each real step leads to."""

    item: NDArray[np.int64]
    """[histories, steps]"""
    kind: NDArray[np.int64]
    """[histories, steps]"""
    real: NDArray[np.bool_]
    """[histories, steps] false where padded."""
    target: NDArray[np.int64]
    """[real steps], row by row."""
    weight: NDArray[np.float32]
    """[real steps] what each target counts."""


def train(
    windows: Steps,
    weight: NDArray[np.float32],
    rows: sparse.csr_matrix,
    rule: TrainingRule,
    rng: np.random.Generator,
) -> Trained:
    """The network, item and token vectors that best tell each window's next step.

    `weight` [steps of windows] is what a step counts as a target; `rows` [items, tokens] are what
    is written about each item. Two runs with the same data, rule and seed give the same bits.
    """
    with _reproducible(int(rng.integers(2**31))):
        model = _Model(rows, rule, several_kinds=len(np.unique(windows.kind)) > 1)
        optimizer = torch.optim.Adam(model.parameters(), lr=rule.learning_rate, fused=True)
        popularity = np.bincount(windows.item, minlength=rows.shape[0]) / max(len(windows.item), 1)
        for step, batch in enumerate(_batches(windows, weight, rule, rng)):
            for group in optimizer.param_groups:
                group["lr"] = rule.learning_rate * _pace(step, rule.n_batches)
            columns = _columns(batch, popularity, rule.sampled, rng)
            optimizer.zero_grad(set_to_none=True)
            loss = model.loss(batch, columns)
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
        return Trained(
            model.network(),
            model.ids.detach().numpy(),
            model.tokens.detach().numpy(),
        )


@contextmanager
def _reproducible(seed: int) -> Iterator[None]:
    """Fixes seed and threads, and puts back what was there before.

    BLAS keeps to one thread: `softmax_loss` shares its rows over threads of its own.
    """
    threads = torch.get_num_threads()
    try:
        with torch.random.fork_rng(devices=[]), threadpool_limits(1, "blas"):
            torch.manual_seed(seed)
            torch.set_num_threads(1)
            yield
    finally:
        torch.set_num_threads(threads)


def _pace(step: int, n_steps: int) -> float:
    """The share of the learning rate: a short rise, then half a cosine down to nothing."""
    rise = max(1.0, _WARM_UP * n_steps)
    if step < rise:
        return (step + 1) / rise
    return 0.5 * (1 + math.cos(math.pi * (step - rise) / max(1.0, n_steps - rise)))


def _batches(
    windows: Steps, weight: NDArray[np.float32], rule: TrainingRule, rng: np.random.Generator
) -> Iterator[Batch]:
    """Batches of some `batch_steps` steps, epoch after epoch, each in a new order."""
    lengths = np.diff(windows.indptr) - 1
    left = rule.n_batches
    while left > 0:
        order = rng.permutation(len(lengths))
        order = order[np.argsort(lengths[order], kind="stable")]
        parts = list(batch_parts(order, lengths, rule.batch_steps))
        for at in rng.permutation(len(parts))[:left]:
            yield _batch(windows, weight, parts[at])
        left -= len(parts)


def _batch(windows: Steps, weight: NDArray[np.float32], rows: NDArray[np.int64]) -> Batch:
    first = windows.indptr[rows]
    lengths = windows.indptr[rows + 1] - first - 1
    at = np.arange(lengths.max())
    real = at < lengths[:, None]
    where = np.where(real, first[:, None] + at, 0)
    ahead = where[real] + 1
    return Batch(
        np.where(real, windows.item[where], 0).astype(np.int64),
        np.where(real, windows.kind[where], 0).astype(np.int64),
        real,
        windows.item[ahead].astype(np.int64),
        weight[ahead],
    )


@dataclass(frozen=True)
class _Columns:
    """The items that the targets of one batch compete with."""

    item: Tensor
    target: NDArray[np.int64]
    """[real steps] place of each target among them."""
    offset: NDArray[np.float32]
    """[columns] minus the log of the chance that each takes part."""


def _columns(
    batch: Batch, popularity: NDArray[np.float64], sampled: int | None, rng: np.random.Generator
) -> _Columns | None:
    """The batch's targets and `sampled` items drawn evenly; None: all items compete."""
    n_items = len(popularity)
    if sampled is None or sampled >= n_items:
        return None
    drawn = rng.choice(n_items, sampled, replace=False, shuffle=False)
    items = np.union1d(batch.target, drawn)
    never = (1 - popularity[items]) ** len(batch.target) * (1 - sampled / n_items)
    return _Columns(
        torch.from_numpy(items),
        np.searchsorted(items, batch.target),
        -np.log1p(-never).astype(np.float32),
    )


class _Model(nn.Module):
    """The network of `Network`, with dropout, and the vectors of items and tokens."""

    def __init__(self, rows: sparse.csr_matrix, rule: TrainingRule, *, several_kinds: bool) -> None:
        super().__init__()
        n_items, n_tokens = rows.shape
        size, layers, inner = rule.size, rule.layers, 4 * rule.size
        self.rule = rule
        self.rows, self.by_token = rows, sparse.csr_matrix(rows.T)
        self.ids = _random(n_items, size)
        self.tokens = _random(n_tokens, size)
        self.kind_vectors = nn.Parameter(
            torch.zeros(len(EVENT_TYPES), size), requires_grad=several_kinds
        )
        start = torch.zeros(1 + 2 * layers, 2, size)
        start[:, 0] = 1.0
        self.norms = nn.Parameter(start)
        self.attention = _random(layers, 4, size, size)
        self.attention_bias = nn.Parameter(torch.zeros(layers, 4, size))
        self.distance_bias = _slopes(layers, rule.heads, rule.longest, 0.02, 0.5)
        self.filters = _slopes(layers, rule.heads, rule.longest, 0.05, 1.5)
        self.wide = _random(layers, size, inner)
        self.wide_bias = nn.Parameter(torch.zeros(layers, inner))
        self.narrow = _random(layers, inner, size)
        self.narrow_bias = nn.Parameter(torch.zeros(layers, size))

    def network(self) -> Network:
        """What was learnt, as arrays."""
        learnt: dict[str, Any] = {
            name: parameter.detach().numpy().copy()
            for name, parameter in self.named_parameters()
            if name not in {"ids", "tokens"}
        }
        return Network.of_arrays(
            learnt | {"filter_share": np.array([self.rule.filter_share], np.float32)}
        )

    def loss(self, batch: Batch, columns: _Columns | None) -> Tensor:
        """The weighted mean cross-entropy of the batch's targets."""
        items = self._items()
        hidden = self._hidden(batch, items)[torch.from_numpy(batch.real)]
        weight = batch.weight / batch.weight.sum()
        if columns is None:
            return _cross_entropy(hidden, items, batch.target, weight, None)
        among = items.index_select(0, columns.item)
        return _cross_entropy(hidden, among, columns.target, weight, columns.offset)

    def _items(self) -> Tensor:
        """[items, size] each item's vector, some of them without what is the item's alone."""
        ids: Tensor = self.ids
        if self.rule.id_dropout > 0 and self.rows.nnz:
            ids = ids * (torch.rand(len(ids), 1) >= self.rule.id_dropout)
        if not self.rows.nnz:
            return ids
        return ids + _token_sum(self.tokens, self.rows, self.by_token)

    def _hidden(self, batch: Batch, items: Tensor) -> Tensor:
        """[histories, steps, size] what each step leads to."""
        x = functional.embedding(torch.from_numpy(batch.item), items)
        x = x + functional.embedding(torch.from_numpy(batch.kind), self.kind_vectors)
        x = self._drop(self._norm(x, 0))
        n = x.shape[1]
        back = (torch.arange(n)[:, None] - torch.arange(n)).clamp(min=0)
        ahead = torch.ones(n, n, dtype=torch.bool).triu(1)
        for layer in range(self.rule.layers):
            share = self.rule.filter_share
            looked = share * self._look_back(x, layer, back, ahead)
            looked = looked + (1 - share) * self._attend(x, layer, back, ahead)
            h = self._norm(x + self._drop(looked), 1 + 2 * layer)
            inner = torch.relu(h @ self.wide[layer] + self.wide_bias[layer])
            narrow = inner @ self.narrow[layer] + self.narrow_bias[layer]
            x = self._norm(h + self._drop(narrow), 2 + 2 * layer)
        return x

    def _attend(self, x: Tensor, layer: int, back: Tensor, ahead: Tensor) -> Tensor:
        """Causal attention with a bias per distance."""
        w, b = self.attention[layer], self.attention_bias[layer]
        query, key, value = (self._heads(x @ w[i] + b[i]) for i in range(3))
        bias = self.distance_bias[layer][:, back].masked_fill(ahead, -torch.inf)
        read = functional.scaled_dot_product_attention(query, key, value, attn_mask=bias)
        return self._together(read) @ w[3] + b[3]

    def _look_back(self, x: Tensor, layer: int, back: Tensor, ahead: Tensor) -> Tensor:
        """Averages by distance alone."""
        weight = self.filters[layer][:, back].masked_fill(ahead, -torch.inf).softmax(-1)
        return self._together(weight @ self._heads(x))

    def _heads(self, x: Tensor) -> Tensor:
        return x.view(*x.shape[:2], self.rule.heads, -1).transpose(1, 2)

    def _together(self, x: Tensor) -> Tensor:
        return x.transpose(1, 2).flatten(2)

    def _norm(self, x: Tensor, which: int) -> Tensor:
        scale, shift = self.norms[which]
        return functional.layer_norm(x, (self.rule.size,), scale, shift, NORM_EPSILON)

    def _drop(self, x: Tensor) -> Tensor:
        return functional.dropout(x, self.rule.dropout)


def _random(*shape: int) -> nn.Parameter:
    return nn.Parameter(torch.randn(*shape) * _SPREAD)


def _slopes(layers: int, heads: int, longest: int, low: float, high: float) -> nn.Parameter:
    """[layers, heads, longest] falling evenly with distance, each head at a rate of its own.

    Slopes in geometric sequence, as ALiBi's (Press, Smith and Lewis, ICLR 2022).
    """
    slopes = torch.logspace(math.log10(low), math.log10(high), heads)
    falling = -slopes[:, None] * torch.arange(longest)
    return nn.Parameter(falling.repeat(layers, 1, 1))


def _cross_entropy(
    hidden: Tensor,
    items: Tensor,
    target: NDArray[np.int64],
    weight: NDArray[np.float32],
    offset: NDArray[np.float32] | None,
) -> Tensor:
    loss: Tensor = _CrossEntropy.apply(  # type: ignore[no-untyped-call]
        hidden, items, target, weight, offset
    )
    return loss


def _token_sum(tokens: Tensor, rows: sparse.csr_matrix, by_token: sparse.csr_matrix) -> Tensor:
    summed: Tensor = _TokenSum.apply(tokens, rows, by_token)  # type: ignore[no-untyped-call]
    return summed


class _CrossEntropy(torch.autograd.Function):
    """`softmax_loss` with its gradients, for autograd."""

    @staticmethod
    def forward(
        ctx: Any,
        hidden: Tensor,
        items: Tensor,
        target: NDArray[np.int64],
        weight: NDArray[np.float32],
        offset: NDArray[np.float32] | None,
    ) -> Tensor:
        loss, d_hidden, d_items = softmax_loss(
            hidden.detach().numpy(), items.detach().numpy(), target, weight, offset
        )
        ctx.save_for_backward(torch.from_numpy(d_hidden), torch.from_numpy(d_items))
        return torch.tensor(loss)

    @staticmethod
    def backward(ctx: Any, *gradient: Tensor) -> tuple[Tensor | None, ...]:
        d_hidden, d_items = ctx.saved_tensors
        return d_hidden * gradient[0], d_items * gradient[0], None, None, None


class _TokenSum(torch.autograd.Function):
    """A sparse matrix times token vectors, for autograd; both directions shared over threads."""

    @staticmethod
    def forward(
        ctx: Any, tokens: Tensor, rows: sparse.csr_matrix, by_token: sparse.csr_matrix
    ) -> Tensor:
        ctx.by_token = by_token
        return torch.from_numpy(token_sums(rows, tokens.detach().numpy()))

    @staticmethod
    def backward(ctx: Any, *gradient: Tensor) -> tuple[Tensor | None, ...]:
        return torch.from_numpy(token_sums(ctx.by_token, gradient[0].numpy())), None, None


def token_sums(rows: sparse.csr_matrix, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """The product of the two, on all threads, each row summed in the order it is stored."""
    out = np.zeros((rows.shape[0], vectors.shape[1]), np.float32)
    over_rows(
        lambda start, stop: _sum_rows(
            rows.indptr, rows.indices, rows.data, vectors, out, start, stop
        ),
        len(out),
        max(_PIECE, len(out) // (4 * n_threads())),
    )
    return out


@njit(cache=True, nogil=True, fastmath={"contract"})
def _sum_rows(
    indptr: NDArray[np.int32],
    column: NDArray[np.int32],
    value: NDArray[np.float32],
    vectors: NDArray[np.float32],
    out: NDArray[np.float32],
    start: int,
    stop: int,
) -> None:
    for row in range(start, stop):
        total = out[row]
        for at in range(indptr[row], indptr[row + 1]):
            factor, vector = value[at], vectors[column[at]]
            for k in range(len(total)):
                total[k] += factor * vector[k]
