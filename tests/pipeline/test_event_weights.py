"""Event weights learnt from the shop reach the models, unless a model's own were set."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from shelfwise.core.columns import EVENT_CODE
from shelfwise.core.dataset import Dataset
from shelfwise.pipeline.event_weights import event_weights
from shelfwise.pipeline.fit import fit_models
from shelfwise.pipeline.models import ModelsConfig
from shelfwise.pipeline.progress import silent
from shelfwise.pipeline.settings import PipelineConfig, TrainConfig
from shelfwise.retrieval.als import ALSConfig
from shelfwise.retrieval.interactions import EventWeights
from shelfwise.retrieval.item_knn import ItemKNNConfig

LEARNT = TrainConfig(models=("als", "item_knn"), event_weights="learnt")


@pytest.fixture(scope="module")
def shop() -> Dataset:
    """Four hundred shoppers look at ten products each, and buy the first four."""
    user = np.repeat(np.arange(400, dtype=np.int32), 14)
    item = (user * 3 + np.tile([*range(10), *range(4)], 400)).astype(np.int32) % 50
    data = Dataset.of_pairs(user, item, 400, 50)
    kind = np.tile([EVENT_CODE["view"]] * 10 + [EVENT_CODE["purchase"]] * 4, 400)
    return data.with_events(replace(data.events, type=kind.astype(np.int8)))


def test_learnt_weights_are_the_models_own_and_are_reported(shop: Dataset) -> None:
    fitted = fit_models(shop, PipelineConfig(train=LEARNT), silent)
    assert fitted.event_weights is not None
    assert fitted.event_weights.view == pytest.approx(np.sqrt(0.4))
    used = {name: model.state().settings["config"] for name, model in fitted.models.items()}
    assert used["als"]["weights"] == fitted.event_weights.model_dump()
    assert used["item_knn"]["weights"] == fitted.event_weights.model_dump()


def test_weights_that_were_set_win(shop: Dataset) -> None:
    own = EventWeights(view=0.1)
    models = ModelsConfig(item_knn=ItemKNNConfig(weights=own), als=ALSConfig(factors=4))
    fitted = fit_models(shop, PipelineConfig(models=models, train=LEARNT), silent)
    used = {name: model.state().settings["config"] for name, model in fitted.models.items()}
    assert used["item_knn"]["weights"] == own.model_dump()
    assert used["als"]["weights"]["view"] == pytest.approx(np.sqrt(0.4))


def test_configured_weights_stand_unless_learnt_ones_are_asked_for(shop: Dataset) -> None:
    assert event_weights(shop, PipelineConfig()) is None
