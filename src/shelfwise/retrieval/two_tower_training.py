"""Trains the two towers: the file of the model that needs torch.

The next item competes with the other next items of the batch and with products drawn evenly. A
product is in a batch the likelier the more popular it is, so each logit is lowered by the logarithm
of that chance (the logQ correction: Yi et al., RecSys 2019; evenly drawn ones mixed in: Yang et
al., WWW 2020). Otherwise the towers would learn to dislike what is popular. Vectors of products and
tokens that are not in a batch cost nothing: Adam moves only those that are.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from shelfwise.retrieval.two_tower_layers import Tower, Towers
from shelfwise.retrieval.two_tower_lesson import Catalogue, Examples, TowerRule

_FEWEST_STEPS = 40
"""An epoch of a small shop has as many, unless its batches would be smaller than the smallest."""
_SMALLEST_BATCH = 64
_BETA1, _BETA2, _EPSILON = 0.9, 0.999, 1e-8


@dataclass(frozen=True)
class Learnt:
    """What training gives."""

    towers: Towers
    ids: NDArray[np.float32]
    """[n_met, size] by product number."""
    losses: tuple[float, ...]
    """Mean loss of each epoch, in nats."""


def train_towers(examples: Examples, catalogue: Catalogue, rule: TowerRule, seed: int) -> Learnt:
    """The towers that tell best which product comes next.

    One thread: the same seed gives the same towers on every machine, and two gain little here.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        return _Training(examples, catalogue, rule, seed).run()
    finally:
        torch.set_num_threads(threads)


class _Table:
    """Vectors of which a batch touches few, each with its own moments of Adam (Kingma and Ba)."""

    def __init__(self, start: NDArray[np.float32]) -> None:
        self.value = torch.from_numpy(start)
        self.first = torch.zeros_like(self.value)
        self.second = torch.zeros_like(self.value)

    def rows(self, at: Tensor) -> Tensor:
        """The vectors at `at`, ready to learn."""
        return self.value[at].requires_grad_()

    def move(self, at: Tensor, rows: Tensor, rate: float, l2: float) -> None:
        """One step of Adam on the vectors at `at` (distinct), whose `rows` have a gradient."""
        if rows.grad is None:
            return
        gradient = rows.grad + l2 * self.value[at]
        first = _BETA1 * self.first[at] + (1 - _BETA1) * gradient
        second = _BETA2 * self.second[at] + (1 - _BETA2) * gradient * gradient
        self.first[at], self.second[at] = first, second
        self.value[at] -= rate * first / (second.sqrt() + _EPSILON)


class _Training:
    def __init__(
        self, examples: Examples, catalogue: Catalogue, rule: TowerRule, seed: int
    ) -> None:
        self.examples = examples
        self.catalogue = catalogue
        self.rule = rule
        self.rng = np.random.default_rng(seed)
        size, n_met = rule.size, len(examples.codes)
        n_tokens = catalogue.content.shape[1]
        spread = 1 / math.sqrt(size)
        self.ids = _Table(self._normal((n_met, size), 0.1 * spread))
        self.tokens = _Table(self._normal((n_tokens, size), spread))
        self.towers = [self._tower() for _ in range(2)]
        flat = [part for tower in self.towers for part in tower]
        self.adam = torch.optim.Adam(flat, lr=rule.learning_rate, weight_decay=rule.l2)
        counts = examples.target_counts()
        self.share = counts / max(counts.sum(), 1)
        fitting = max(_SMALLEST_BATCH, len(examples) // _FEWEST_STEPS)
        self.batch = min(rule.batch, fitting)
        self.step = 0

    def _normal(self, shape: tuple[int, int], spread: float) -> NDArray[np.float32]:
        return self.rng.normal(0, spread, shape).astype(np.float32)

    def _tower(self) -> tuple[Tensor, Tensor, Tensor]:
        size, hidden = self.rule.size, self.rule.hidden
        inner = torch.from_numpy(self._normal((size, hidden), math.sqrt(2 / size)))
        outer = torch.zeros(hidden, size)
        return inner.requires_grad_(), torch.zeros(hidden).requires_grad_(), outer.requires_grad_()

    def run(self) -> Learnt:
        """All epochs, the rate falling along half a cosine."""
        n, batch = len(self.examples), self.batch
        n_used = min(n, max(1, self.rule.max_examples // self.rule.epochs))
        n_steps = self.rule.epochs * math.ceil(n_used / batch)
        losses = []
        for _ in range(self.rule.epochs if n else 0):
            order = self.rng.permutation(n)[:n_used]
            total = 0.0
            for begin in range(0, n_used, batch):
                rate = 0.5 * (1 + math.cos(math.pi * self.step / n_steps))
                at = order[begin : begin + batch]
                total += self._learn(at, self.rule.learning_rate * rate) * len(at)
            losses.append(total / n_used)
        item, step = (Tower(*(part.detach().numpy() for part in tower)) for tower in self.towers)
        towers = Towers(self.tokens.value.numpy(), item, step)
        return Learnt(towers, self.ids.value.numpy(), tuple(losses))

    def _learn(self, at: NDArray[np.int64], rate: float) -> float:
        """One step on the examples `at`; gives their loss."""
        examples, rule = self.examples, self.rule
        target = examples.item[examples.target[at]].astype(np.int64)
        weight = examples.weight[at]
        row, place = np.nonzero(weight)
        before = examples.item[examples.context[at][row, place]].astype(np.int64)
        drawn = self.rng.integers(0, len(examples.codes), rule.uniform_negatives)
        columns = np.unique(np.concatenate([target, drawn]))
        numbers = np.unique(np.concatenate([columns, before]))
        self.step += 1
        ids_at = torch.from_numpy(numbers)
        ids = self.ids.rows(ids_at)
        distinct, begins, of_distinct, token_weight = self.catalogue.tokens_of(numbers)
        tokens_at = torch.from_numpy(distinct)
        tokens = self.tokens.rows(tokens_at)
        kept = self.rng.random((len(numbers), 1)) >= rule.id_dropout
        inputs = ids * torch.from_numpy(kept) + functional.embedding_bag(
            torch.from_numpy(of_distinct),
            tokens,
            torch.from_numpy(begins),
            mode="sum",
            per_sample_weights=torch.from_numpy(token_weight),
        )
        shopper = self._shoppers(inputs, numbers, row, before, weight[row, place], len(at))
        item = functional.normalize(self._raised(inputs[_at(numbers, columns)], 0), dim=1)
        logits = shopper @ item.T / rule.temperature - self._log_drawn(columns)
        each = functional.cross_entropy(logits, _at(columns, target), reduction="none")
        loss = (each * torch.from_numpy(examples.importance[at])).mean()
        self.adam.zero_grad()
        torch.autograd.backward(loss)
        for group in self.adam.param_groups:
            group["lr"] = rate
        self.adam.step()
        corrected = rate * math.sqrt(1 - _BETA2**self.step) / (1 - _BETA1**self.step)
        with torch.no_grad():
            self.ids.move(ids_at, ids, corrected, rule.l2)
            self.tokens.move(tokens_at, tokens, corrected, rule.l2)
        return float(loss.detach())

    def _shoppers(
        self,
        inputs: Tensor,
        numbers: NDArray[np.int64],
        row: NDArray[np.int64],
        before: NDArray[np.int64],
        weight: NDArray[np.float32],
        n: int,
    ) -> Tensor:
        """[n, size] the weighted sum of what each product of the history adds, of length 1."""
        steps = self._raised(inputs, 1)
        begins = np.searchsorted(row, np.arange(n))
        total = functional.embedding_bag(
            _at(numbers, before),
            steps,
            torch.from_numpy(begins),
            mode="sum",
            per_sample_weights=torch.from_numpy(weight),
        )
        return functional.normalize(total, dim=1)

    def _raised(self, inputs: Tensor, tower: int) -> Tensor:
        inner, bias, outer = self.towers[tower]
        hidden = torch.relu(inputs @ inner + bias)
        if self.rule.dropout > 0:
            kept = self.rng.random(tuple(hidden.shape), np.float32) >= self.rule.dropout
            hidden = hidden * torch.from_numpy(kept / np.float32(1 - self.rule.dropout))
        return inputs + hidden @ outer

    def _log_drawn(self, columns: NDArray[np.int64]) -> Tensor:
        """[columns] log of the chance that each product is in a batch."""
        expected = self.batch * self.share[columns]
        expected = expected + self.rule.uniform_negatives / len(self.share)
        return torch.from_numpy(np.log(-np.expm1(-expected)).astype(np.float32))


def _at(numbers: NDArray[np.int64], wanted: NDArray[np.int64]) -> Tensor:
    """Where each of `wanted` is among the ascending `numbers`."""
    return torch.from_numpy(np.searchsorted(numbers, wanted))
