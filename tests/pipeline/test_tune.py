"""Tuning searches on validation data and keeps only what is surely better."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from shelfwise import Shop
from shelfwise.app import load_config, with_model_settings
from shelfwise.evaluation.splits import temporal_cuts
from shelfwise.pipeline.models import ModelsConfig
from shelfwise.pipeline.progress import silent
from shelfwise.pipeline.settings import PipelineConfig, TrainConfig
from shelfwise.pipeline.tune import SPACES, tune, tuning_folds


def test_every_searched_setting_exists_and_takes_the_ends_of_its_span() -> None:
    for model, space in SPACES.items():
        config = getattr(ModelsConfig(), model)
        for key, span in space.items():
            for end in (span.low, span.high):
                type(config).model_validate(config.model_dump() | {key: span.rounded(end)})


def test_tuned_settings_are_written_and_comments_kept(tmp_path: Path) -> None:
    text = "# mine\n[models.ease]\nreg = 10.0 # try\n\n[serve]\nport = 8100\n"
    written = with_model_settings(text, {"ease": {"reg": 250.0}, "als": {"factors": 32}})
    (tmp_path / "shop.toml").write_text(written)
    config = load_config(tmp_path / "shop.toml", {})
    assert (config.models.ease.reg, config.models.als.factors, config.serve.port) == (250, 32, 8100)
    assert "# mine" in written


@pytest.mark.slow
def test_tuning_mends_a_bad_setting_without_the_test_part(shop: Shop) -> None:
    data = shop.dataset()
    config = PipelineConfig(
        models=ModelsConfig.model_validate({"ease": {"reg": 1e6}}),
        train=TrainConfig(models=("ease",)),
    )
    folds = tuning_folds(data, config)
    assert {fold.part for fold in folds} == {"validation"}
    test_from = temporal_cuts(data, 0.1, 0.1)[1]
    assert all(fold.train.events.time_ms.max() < test_from for fold in folds)
    (found,) = tune(folds, config, 0.05, silent)
    assert found.tries > 0
    assert found.after >= found.before
    assert not found.settings or found.after > found.before


@pytest.mark.slow
def test_a_stopped_search_goes_on_where_it_was(shop: Shop, tmp_path: Path) -> None:
    config = PipelineConfig(train=TrainConfig(models=("popular",)))
    folds = tuning_folds(shop.dataset(), config)
    journal = tmp_path / "tune" / "tries.log"
    (first,) = tune(folds, config, 0.02, silent, journal=journal)
    (second,) = tune(folds, config, 0.02, silent, journal=journal)
    assert second.tries > first.tries > 0
    assert second.after >= first.after


@pytest.mark.slow
def test_a_shop_is_tuned_into_its_own_settings(trained: Path, tmp_path: Path) -> None:
    copy = tmp_path / "shop"
    shutil.copytree(trained, copy, ignore=shutil.ignore_patterns("export"))
    shop = Shop.open(copy, ("models.ease.reg=1000000.0", "train.models=['ease', 'popular']"))
    found = {one.model: one for one in shop.tune(0.1)}
    again = Shop.open(copy)
    for key, value in found["ease"].settings.items():
        assert getattr(again.config.models.ease, key) == value
    assert (copy / "reports" / "tune.json").is_file()
