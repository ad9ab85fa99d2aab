"""CatBoost as a teacher of trees that need no CatBoost."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from tests.ranking.test_boosting import crossed, quality

from shelfwise.core import extras
from shelfwise.core.errors import MissingExtraError
from shelfwise.ranking import LinearConfig, LinearRanker
from shelfwise.ranking.catboost_trees import CatBoostConfig, fit_catboost

CONFIG = CatBoostConfig(trees=40, depth=4, feature_share=1.0)


def test_without_catboost_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extras, "installed", lambda _library: False)
    lists = crossed(20, 0)
    linear = LinearRanker.fit_lists(lists, LinearConfig())
    with pytest.raises(MissingExtraError, match=r"shelfwise\[classics\]"):
        fit_catboost(lists, linear, CONFIG, np.random.default_rng(0))


def test_stored_trees_score_as_catboost_does(monkeypatch: pytest.MonkeyPatch) -> None:
    catboost = pytest.importorskip("catboost")
    models: list[Any] = []
    original = catboost.CatBoost.fit

    def watched(self: Any, *args: Any, **named: Any) -> Any:
        models.append(self)
        return original(self, *args, **named)

    monkeypatch.setattr(catboost.CatBoost, "fit", watched)
    lists, fresh = crossed(400, 0), crossed(200, 1)
    linear = LinearRanker.fit_lists(lists, LinearConfig())
    ranker = fit_catboost(lists, linear, CONFIG, np.random.default_rng(0), crossed(100, 2))
    assert 0 < ranker.n_trees <= 40
    theirs = models[0].predict(fresh.features)
    np.testing.assert_allclose(ranker.forest.score(fresh.features), theirs, atol=1e-5)
    assert quality(fresh, ranker.score(fresh.features)) > 0.05 + quality(
        fresh, linear.score(fresh.features)
    )
