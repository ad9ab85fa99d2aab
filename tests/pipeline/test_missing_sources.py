"""A model that cannot answer costs its candidates, never the answer."""

from __future__ import annotations

import logging
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from shelfwise import Shop
from shelfwise.core.errors import StorageError
from shelfwise.core.requests import Requests
from shelfwise.pipeline.absent import Absent
from shelfwise.pipeline.live import LiveShop

pytestmark = pytest.mark.slow


class Broken(Absent):
    """A model that raises whatever it is asked."""

    def scores(self, requests: Requests) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
        """Raises."""
        raise ZeroDivisionError(f"cannot score {len(requests)} requests")


def broken_in(live: LiveShop, name: str) -> None:
    """Puts a broken model in the place of `name`."""
    engine = live._engine
    models = {**engine.models, name: Broken(engine.n_items)}
    live._engine = replace(engine, models=models)


def test_a_model_that_raises_is_left_out_and_the_log_says_so(
    shop: Shop, caplog: pytest.LogCaptureFixture
) -> None:
    live = shop.live()
    shopper = live.some_shopper()
    before = shop.recommend(user_id=shopper)
    broken_in(live, "als")
    with caplog.at_level(logging.WARNING):
        after = shop.recommend(user_id=shopper)
    assert len(after.items) == len(before.items) == 10
    assert all("als" not in item.sources for item in after.items)
    assert all(item.reasons for item in after.items)
    assert "Model als failed" in caplog.text
    assert "cannot score 1 requests" in caplog.text
    assert len({i.item_id for i in before.items} & {i.item_id for i in after.items}) >= 5


def test_an_answer_comes_even_when_every_model_fails(shop: Shop) -> None:
    live = shop.live()
    for name in live._engine.models:
        broken_in(live, name)
    slate = shop.recommend(user_id=live.some_shopper())
    assert len(slate.items) == 10
    assert {reason.kind for item in slate.items for reason in item.reasons} <= {
        "available",
        "reviews",
    }


def unreadable(trained: Path, tmp_path: Path, *names: str) -> Shop:
    """A copy of the shop in which the files of these models hold something else."""
    copy = tmp_path / "shop"
    shutil.copytree(trained, copy, ignore=shutil.ignore_patterns("export"))
    for name in names:
        (path,) = copy.glob(f"models/*/model-{name}.json")
        path.write_bytes(b"?" * path.stat().st_size)
    return Shop.open(copy)


def test_a_bundle_with_an_unreadable_model_answers_with_the_others(
    trained: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    shop = unreadable(trained, tmp_path, "transition")
    with caplog.at_level(logging.WARNING):
        slate = shop.recommend(user_id=shop.live().some_shopper())
    assert len(slate.items) == 10
    assert all("transition" not in item.sources for item in slate.items)
    assert "Model transition" in caplog.text


def test_a_bundle_of_which_no_model_can_be_read_says_train_again(
    trained: Path, tmp_path: Path
) -> None:
    names = Shop.open(trained).about()["models"]
    with pytest.raises(StorageError, match="shelfwise train"):
        unreadable(trained, tmp_path, *names).live()


def test_a_ranker_scores_rows_of_a_source_that_is_gone(shop: Shop) -> None:
    ranker = shop.live()._engine.ranker
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(50, len(ranker.names))).astype(np.float32)
    gone = rows.copy()
    gone[:, list(ranker.source_columns["als"])] = np.nan
    assert np.isfinite(ranker.score(gone)).all()
