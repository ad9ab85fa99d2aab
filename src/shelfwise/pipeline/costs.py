"""What fitting a model costs, reckoned from the size of the shop before anything is fitted.

Reckoned, not measured: a budget by the clock would choose other models each time. Seconds are those
of two processors as slow as rented ones are when shared; the rates were fitted to
`shelfwise bench scaling`, which prints measured seconds and bytes beside the reckoned ones. Nothing
here is exact: a factor of two either way is normal.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from shelfwise.features.vectors import ITEM_FEATURES
from shelfwise.pipeline.models import ModelsConfig
from shelfwise.pipeline.recommend import SCORES_AT_ONCE, asked_at_most
from shelfwise.pipeline.settings import PipelineConfig
from shelfwise.pipeline.shape import NEAR, Shape
from shelfwise.retrieval.als import ALSConfig
from shelfwise.retrieval.bpr import BPRConfig
from shelfwise.retrieval.coupled import CoupledConfig
from shelfwise.retrieval.ease import EASEConfig
from shelfwise.retrieval.graph import GraphConfig
from shelfwise.retrieval.item_knn import ItemKNNConfig
from shelfwise.retrieval.sequential import SequentialConfig
from shelfwise.retrieval.slim import CROWD, SLIMConfig
from shelfwise.retrieval.transition import TransitionConfig
from shelfwise.retrieval.two_hop import TwoHopConfig
from shelfwise.retrieval.two_tower import TwoTowerConfig

PROCESSORS: Final = 2.0
"""That seconds are reckoned for."""


@dataclass(frozen=True)
class Cost:
    """Of one fit."""

    seconds: float
    """By the clock, on `PROCESSORS`."""
    peak_bytes: float
    """Held at most while fitting, above the data."""
    kept_bytes: float
    """Of the fitted model, as it scores."""


# Seconds of one processor
_SORTED: Final = 2.2e-7
"""An event brought into the order of shoppers, or a pair into a matrix."""
_PAIR: Final = 4.5e-8
"""Two products of one shopper counted."""
_NEAR_PAIR: Final = 6.5e-8
"""The same with order, distance and who it was."""
_JOINED: Final = 1.7e-8
"""A pair of two steps."""
_KEPT: Final = 8e-8
"""A place for a neighbour, filled and packed."""
_CUBE: Final = 2.2e-11
"""Of EASE's inverse."""
_REGRESSED: Final = 2.0e-8
"""An interaction with a neighbour, in the regressions of SLIM."""
_FACTOR: Final = 8e-11
"""A multiplication and addition in a factorisation by least squares."""
_STEP: Final = 3e-10
"""The same in steps of a gradient, whose vectors are far apart in memory."""
_BYTE_READ: Final = 7.2e-7
"""A byte of text cut into tokens and weighed."""
_MULTIPLY: Final = 3e-11
"""A multiplication and addition of PyTorch's."""
_SCORED: Final = 8e-10
"""A score of one model for one product, until the best are known."""
_RANKED: Final = 2e-6
"""A candidate's source, through features and the rankers that are tried."""
_COUNTED: Final = 5e-7
"""An event counted into features."""
_DESCRIBED: Final = 1e-5
"""A product's own features."""
_ASKED_A_HIT: Final = 6
"""Requests asked for one that a relevant product is found for."""

# Bytes
_SEQUENCE: Final = 60.0
"""An event, while sequences are made of the events."""
_MATRIX: Final = 70.0
"""An event, while a matrix is made of them."""
_TEXT: Final = 75.0
"""A byte of text, as tokens by name."""
_PROGRAM: Final = 300e6
"""The program itself, before any data."""
_TORCH: Final = 400e6
"""PyTorch itself, with its scratch."""


def _rows(shape: Shape, width: int, columns: int, found: float) -> tuple[float, float]:
    """Bytes at the peak and kept of neighbours: `columns` of four bytes for `width` a product.

    `found` is how many a product has on average before the weaker ones are dropped.
    """
    kept = shape.products * min(width, found) * 4.0 * columns
    return shape.products * width * (4.0 * columns + 1) + kept, kept


def _popular(shape: Shape, _: Any) -> Cost:
    return Cost(shape.events * _SORTED, shape.events * 90.0, shape.products * 8.0)


def _item_knn(shape: Shape, config: ItemKNNConfig | SLIMConfig | GraphConfig) -> Cost:
    rows, kept = _rows(shape, config.neighbours, 3, shape.square / max(shape.met, 1))
    used = shape.square * _PAIR + shape.products * config.neighbours * _KEPT
    return Cost(
        shape.events * 1.5 * _SORTED + used / PROCESSORS,
        max(shape.events * _MATRIX, shape.pairs * 20.0 + rows),
        kept,
    )


def _ordered(shape: Shape, config: TransitionConfig, width: int) -> Cost:
    near = shape.near * min(1.0, config.window / NEAR)
    _, kept = _rows(shape, width, 5, near / max(shape.met, 1))
    used = near * _NEAR_PAIR + shape.products * width * _KEPT
    return Cost(
        shape.events * 0.5 * _SORTED + used / PROCESSORS,
        shape.events * _SEQUENCE + 2.2 * kept,
        kept,
    )


def _transition(shape: Shape, config: TransitionConfig) -> Cost:
    return _ordered(shape, config, config.neighbours)


def _two_hop(shape: Shape, config: TwoHopConfig) -> Cost:
    single = _ordered(shape, config, config.first)
    steps = min(float(config.first), shape.near / max(shape.met, 1))
    rows, kept = _rows(shape, config.neighbours, 3, steps**2)
    used = shape.met * steps**2 * _JOINED + shape.products * config.neighbours * _KEPT
    return Cost(
        single.seconds + used / PROCESSORS,
        max(single.peak_bytes, single.kept_bytes + rows),
        kept,
    )


def _ease(shape: Shape, config: EASEConfig) -> Cost:
    items = float(min(shape.shared, config.max_items))
    kept = 12.0 * items * min(config.neighbours, items)
    return Cost(
        shape.events * 1.5 * _SORTED + (items**3 * _CUBE + shape.square * _PAIR) / PROCESSORS,
        max(shape.events * _MATRIX, shape.pairs * 20.0 + 4.4 * items**2 + 2 * kept),
        kept,
    )


def _slim(shape: Shape, config: SLIMConfig) -> Cost:
    near = _item_knn(shape, config)
    found = min(config.neighbours, shape.square / max(shape.met, 1))
    crowds = shape.met * min(found * shape.crowd, CROWD)
    return Cost(
        near.seconds + crowds * _REGRESSED / PROCESSORS,
        near.peak_bytes + 2 * near.kept_bytes,
        near.kept_bytes,
    )


def _factors(shape: Shape, config: ALSConfig | CoupledConfig) -> tuple[float, float]:
    """Multiplications, and bytes of the vectors of both sides."""
    rows = float(shape.shoppers + shape.products)
    a_round = 4 * 2 * 2 * shape.pairs * config.factors + 4 * rows * config.factors**2
    return config.iterations * a_round, rows * config.factors * 4.0


def _als(shape: Shape, config: ALSConfig) -> Cost:
    work, vectors = _factors(shape, config)
    return Cost(
        shape.events * 1.5 * _SORTED + work * _FACTOR / PROCESSORS,
        max(shape.events * _MATRIX, shape.pairs * 24.0 + vectors),
        shape.products * config.factors * 12.0,
    )


def _bpr(shape: Shape, config: BPRConfig) -> Cost:
    steps = float(config.epochs) * shape.events * (config.hardest_of + 12) * config.factors
    return Cost(
        shape.events * _SORTED + steps * _STEP,
        shape.events * _SEQUENCE + shape.products * config.factors * 12.0,
        shape.products * config.factors * 8.0,
    )


def _coupled(shape: Shape, config: CoupledConfig) -> Cost:
    work, vectors = _factors(shape, config)
    words = shape.text_bytes / 7
    work += config.iterations * 16 * words * config.factors
    read = shape.text_bytes * _BYTE_READ
    return Cost(
        shape.events * 1.5 * _SORTED + read + work * _FACTOR / PROCESSORS,
        max(shape.events * _MATRIX, shape.pairs * 24.0 + vectors + shape.text_bytes * _TEXT),
        shape.products * config.factors * 12.0 + shape.text_bytes,
    )


def _content(shape: Shape, _: Any) -> Cost:
    return Cost(
        shape.text_bytes * _BYTE_READ,
        shape.text_bytes * _TEXT + shape.products * 600.0,
        shape.text_bytes * 2.5 + shape.products * 260.0,
    )


def _repeat(shape: Shape, _: Any) -> Cost:
    return Cost(shape.events * 0.2 * _SORTED, shape.events * 40.0, shape.products * 8.0)


def _revisit(shape: Shape, _: Any) -> Cost:
    return Cost(shape.events * 0.9 * _SORTED, shape.events * 60.0, 0.0)


def _sequential(shape: Shape, config: SequentialConfig) -> Cost:
    items = float(min(shape.met, config.max_items))
    columns = items if items <= config.max_full else float(config.sampled + config.batch_steps)
    a_step = 3 * config.size * (columns + 24 * config.layers * config.size)
    wanted = config.epochs * shape.events * a_step * _MULTIPLY / PROCESSORS
    vectors = (items + config.max_tokens) * config.size * 4.0
    return Cost(
        shape.text_bytes * _BYTE_READ + min(60 * config.minutes, wanted),
        _TORCH + 8 * vectors + shape.text_bytes * _TEXT + shape.events * 40.0,
        shape.products * config.size * 4.0 + vectors,
    )


def _two_tower(shape: Shape, config: TwoTowerConfig) -> Cost:
    examples = float(min(config.max_examples, config.epochs * shape.events))
    against = config.batch + config.uniform_negatives
    a_step = 3 * (against * config.size + 4 * config.size * config.hidden + config.length * 20.0)
    vectors = (shape.products + min(shape.text_bytes / 7, config.max_tokens)) * config.size * 4.0
    return Cost(
        shape.text_bytes * _BYTE_READ + examples * a_step * 3 * _MULTIPLY / PROCESSORS,
        _TORCH + 5 * vectors + shape.text_bytes * _TEXT + shape.events * 40.0,
        2 * vectors,
    )


COSTS: Final[Mapping[str, Callable[[Shape, Any], Cost]]] = {
    "popular": _popular,
    "item_knn": _item_knn,
    "transition": _transition,
    "next_item": _transition,
    "two_hop": _two_hop,
    "ease": _ease,
    "slim": _slim,
    "graph": _item_knn,
    "als": _als,
    "bpr": _bpr,
    "coupled": _coupled,
    "content": _content,
    "two_tower": _two_tower,
    "repeat": _repeat,
    "revisit": _revisit,
    "sequential": _sequential,
}
"""By model, what one fit costs with its settings."""


def cost_of(name: str, shape: Shape, config: ModelsConfig) -> Cost:
    """What one fit of the model costs."""
    return COSTS[name](shape, getattr(config, name))


def fusion_cost(n_models: int, shape: Shape, config: PipelineConfig) -> Cost:
    """Learning the fusion: asking all models about held-out requests, then the rankers.

    Features of products and shoppers, made with every fit, count here too.
    """
    asked = asked_at_most(n_models, shape.products)
    asked = min(asked, shape.shoppers, _ASKED_A_HIT * config.train.learn_from)
    scores = float(asked) * n_models * shape.products
    rows = min(config.train.learn_from, asked) * 0.6 * n_models * config.train.per_source
    seconds = scores * _SCORED + rows * n_models * _RANKED
    seconds += 2 * (shape.events * _COUNTED + shape.products * _DESCRIBED)
    columns = 4.0 * (len(ITEM_FEATURES) + 8 * n_models)
    return Cost(seconds, 1.2 * rows * columns + 8.0 * SCORES_AT_ONCE, 0.0)


def data_bytes(shape: Shape) -> float:
    """Held all the time: the program, the data and what of it validation learns from, the ids."""
    events = 2.2 * 33.0 * shape.events
    ids = 180.0 * (shape.shoppers + shape.products)
    text = 4.0 * shape.text_bytes
    return _PROGRAM + events + ids + text + 3.0 * 4 * len(ITEM_FEATURES) * shape.products
