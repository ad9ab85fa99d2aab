"""Tuning searches on validation data and keeps only what is surely better."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from shelfwise import Shop
from shelfwise.app import load_config, with_model_settings
from shelfwise.pipeline.models import ModelsConfig
from shelfwise.pipeline.progress import silent
from shelfwise.pipeline.settings import PipelineConfig, TrainConfig
from shelfwise.pipeline.tune import SPACES, Span, tune, tuning_split


@pytest.mark.parametrize("span", [Span(1, 100, log=True), Span(0.2, 0.9), Span(4, 64, whole=True)])
def test_draws_stay_in_their_span(span: Span) -> None:
    rng = np.random.default_rng(0)
    for near in (None, span.low, span.high):
        drawn = [span.draw(rng, near) for _ in range(200)]
        assert span.low * 0.99 <= min(drawn) <= max(drawn) <= span.high * 1.01
        assert len(set(drawn)) > 10
        assert not span.whole or all(value == round(value) for value in drawn)


def test_every_searched_setting_exists_and_takes_what_is_drawn() -> None:
    rng = np.random.default_rng(0)
    for model, space in SPACES.items():
        config = getattr(ModelsConfig(), model)
        for key, span in space.items():
            type(config).model_validate(config.model_dump() | {key: span.draw(rng, None)})


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
    split = tuning_split(data, config)
    assert split.part == "validation"
    (found,) = tune(split, config, 0.05, silent)
    assert found.tries > 0
    assert found.after >= found.before
    assert not found.settings or found.after > found.before


@pytest.mark.slow
def test_a_shop_is_tuned_into_its_own_settings(trained: Path, tmp_path: Path) -> None:
    copy = tmp_path / "shop"
    shutil.copytree(trained, copy, ignore=shutil.ignore_patterns("export"))
    shop = Shop.open(copy, ("models.ease.reg=1000000.0", "train.models=['ease', 'popular']"))
    found = {one.model: one for one in shop.tune(0.1)}
    again = Shop.open(copy)
    for key, value in found["ease"].settings.items():
        assert getattr(again.config.models.ease, key) == value
