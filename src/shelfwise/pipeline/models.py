"""The settings of every retrieval model as one section, and fitting a model by its name."""

from __future__ import annotations

import numpy as np

from shelfwise.core.dataset import Dataset
from shelfwise.core.errors import ConfigError
from shelfwise.core.model import Model
from shelfwise.core.settings import Settings
from shelfwise.retrieval import MODEL_NAMES, MODELS
from shelfwise.retrieval.als import ALSConfig
from shelfwise.retrieval.bpr import BPRConfig
from shelfwise.retrieval.content import ContentConfig
from shelfwise.retrieval.coupled import CoupledConfig
from shelfwise.retrieval.ease import EASEConfig
from shelfwise.retrieval.graph import GraphConfig
from shelfwise.retrieval.item_knn import ItemKNNConfig
from shelfwise.retrieval.popular import PopularConfig
from shelfwise.retrieval.repeat import RepeatConfig
from shelfwise.retrieval.revisit import RevisitConfig
from shelfwise.retrieval.sequential import SequentialConfig
from shelfwise.retrieval.slim import SLIMConfig
from shelfwise.retrieval.transition import NextItemConfig, TransitionConfig
from shelfwise.retrieval.two_hop import TwoHopConfig
from shelfwise.retrieval.two_tower import TwoTowerConfig


class ModelsConfig(Settings):
    """Settings of each model, by its name."""

    popular: PopularConfig = PopularConfig()
    """What many shoppers chose lately."""
    item_knn: ItemKNNConfig = ItemKNNConfig()
    """Products that the same shoppers chose."""
    transition: TransitionConfig = TransitionConfig()
    """What follows what, with decay over the distance."""
    next_item: NextItemConfig = NextItemConfig()
    """What comes directly after the last product."""
    two_hop: TwoHopConfig = TwoHopConfig()
    """What follows what follows."""
    ease: EASEConfig = EASEConfig()
    """Learnt weights between products."""
    slim: SLIMConfig = SLIMConfig()
    """Learnt weights between a product and its neighbours."""
    graph: GraphConfig = GraphConfig()
    """What those who share the history met besides."""
    als: ALSConfig = ALSConfig()
    """Tastes: shoppers and products as vectors."""
    bpr: BPRConfig = BPRConfig()
    """Tastes, learnt by comparing what was met with what was not."""
    coupled: CoupledConfig = CoupledConfig()
    """Tastes learnt together with attributes and reviews."""
    content: ContentConfig = ContentConfig()
    """Likeness of what is written about products."""
    two_tower: TwoTowerConfig = TwoTowerConfig()
    """Shoppers and products as vectors learnt from ids and content; knows new products."""
    repeat: RepeatConfig = RepeatConfig()
    """What the shopper had before and may want again."""
    revisit: RevisitConfig = RevisitConfig()
    """What the shopper looked at or put in the cart, and has not bought yet."""
    sequential: SequentialConfig = SequentialConfig()
    """What comes next, read from the whole history by a neural network."""


def fit_model(name: str, data: Dataset, config: ModelsConfig, rng: np.random.Generator) -> Model:
    """The model called `name`, fitted on `data`; raises `ConfigError` for an unknown name."""
    for known, model, _ in MODELS:
        if known == name:
            return model.fit(data, getattr(config, name), rng)
    raise ConfigError(
        f"There is no model '{name}'.", remedy=f"Choose from: {', '.join(MODEL_NAMES)}."
    )
