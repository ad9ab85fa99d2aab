"""Gives the models event weights learnt from the shop, where the settings ask for them."""

from __future__ import annotations

from shelfwise.core.dataset import Dataset
from shelfwise.pipeline.models import ModelsConfig
from shelfwise.pipeline.settings import PipelineConfig
from shelfwise.retrieval.conversion import learnt_weights
from shelfwise.retrieval.interactions import EventWeights


def event_weights(data: Dataset, config: PipelineConfig) -> EventWeights | None:
    """What `data` says an event of each type is worth; None: the configured weights stand."""
    return learnt_weights(data) if config.train.event_weights == "learnt" else None


def with_weights(models: ModelsConfig, weights: EventWeights | None) -> ModelsConfig:
    """The models' settings with these weights, but for models whose own weights were set."""
    if weights is None:
        return models
    changed = {
        name: section.model_copy(update={"weights": weights})
        for name, section in models
        if hasattr(section, "weights") and "weights" not in section.model_fields_set
    }
    return models.model_copy(update=changed)
