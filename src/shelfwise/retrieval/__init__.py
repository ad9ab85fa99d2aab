"""Candidate models, one file each. To add one: its file, one line in `MODELS`, its test."""

from __future__ import annotations

from typing import Any, Final, Protocol

import numpy as np

from shelfwise.core.model import Model, ModelState
from shelfwise.core.settings import Settings
from shelfwise.retrieval.als import ALS, ALSConfig
from shelfwise.retrieval.bpr import BPR, BPRConfig
from shelfwise.retrieval.content import Content, ContentConfig
from shelfwise.retrieval.coupled import Coupled, CoupledConfig
from shelfwise.retrieval.ease import EASE, EASEConfig
from shelfwise.retrieval.graph import Graph, GraphConfig
from shelfwise.retrieval.interactions import FitData
from shelfwise.retrieval.item_knn import ItemKNN, ItemKNNConfig
from shelfwise.retrieval.popular import Popular, PopularConfig
from shelfwise.retrieval.repeat import Repeat, RepeatConfig
from shelfwise.retrieval.revisit import Revisit, RevisitConfig
from shelfwise.retrieval.sequential import Sequential, SequentialConfig
from shelfwise.retrieval.slim import SLIM, SLIMConfig
from shelfwise.retrieval.transition import NextItem, NextItemConfig, Transition, TransitionConfig
from shelfwise.retrieval.two_hop import TwoHop, TwoHopConfig
from shelfwise.retrieval.two_tower import TwoTower, TwoTowerConfig


class ModelClass(Protocol):
    """A class whose instances are fitted models."""

    def fit(self, data: FitData, config: Any, rng: np.random.Generator) -> Model:
        """A model fitted on the data; `config` is of the settings class beside it in `MODELS`."""
        ...

    def from_state(self, state: ModelState) -> Model:
        """The model that `state` was taken from."""
        ...


MODELS: Final[tuple[tuple[str, ModelClass, type[Settings]], ...]] = (
    (Popular.name, Popular, PopularConfig),
    (ItemKNN.name, ItemKNN, ItemKNNConfig),
    (Transition.name, Transition, TransitionConfig),
    (NextItem.name, NextItem, NextItemConfig),
    (TwoHop.name, TwoHop, TwoHopConfig),
    (EASE.name, EASE, EASEConfig),
    (SLIM.name, SLIM, SLIMConfig),
    (Graph.name, Graph, GraphConfig),
    (ALS.name, ALS, ALSConfig),
    (BPR.name, BPR, BPRConfig),
    (Coupled.name, Coupled, CoupledConfig),
    (Content.name, Content, ContentConfig),
    (TwoTower.name, TwoTower, TwoTowerConfig),
    (Repeat.name, Repeat, RepeatConfig),
    (Revisit.name, Revisit, RevisitConfig),
    (Sequential.name, Sequential, SequentialConfig),
)
"""Every model: its name, its class and its settings class."""

MODEL_NAMES: Final = tuple(name for name, _, _ in MODELS)
"""The names, in the order of `MODELS`."""

ON_REQUEST: Final = frozenset({Graph.name, BPR.name, Coupled.name, Sequential.name})
"""Models that need an extra or much time, or have yet to show that they lift every shop's fusion:
trained only where `train.models` names them."""
