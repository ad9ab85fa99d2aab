"""The settings of all models, and what each is called in reasons."""

from __future__ import annotations

import numpy as np
import pytest

from shelfwise.core.dataset import Dataset
from shelfwise.core.errors import ConfigError
from shelfwise.pipeline.models import ModelsConfig, fit_model
from shelfwise.pipeline.reasons import TEMPLATES
from shelfwise.retrieval import MODEL_NAMES, MODELS


def test_every_model_has_its_section_of_settings() -> None:
    fields = ModelsConfig.model_fields
    assert {name: config for name, _, config in MODELS} == {
        name: field.annotation for name, field in fields.items()
    }
    assert all(field.description for field in fields.values())


def test_every_model_has_a_sentence_for_its_reasons() -> None:
    assert set(TEMPLATES) == set(MODEL_NAMES)


def test_an_unknown_model_is_refused_by_name() -> None:
    data = Dataset.of_pairs(np.zeros(1, np.int32), np.zeros(1, np.int32), 1, 1)
    with pytest.raises(ConfigError, match="no model 'eas'"):
        fit_model("eas", data, ModelsConfig(), np.random.default_rng(0))
