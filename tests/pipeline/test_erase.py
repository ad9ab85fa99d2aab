"""A person who is erased is in no table, no log and no later model."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import pytest

from shelfwise import Shop
from shelfwise.core.event import Event
from shelfwise.store.log_record import Erasure

pytestmark = pytest.mark.slow


def test_an_erased_shopper_is_gone_from_tables_log_and_models(
    trained: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "shop"
    shutil.copytree(trained, copy, ignore=shutil.ignore_patterns("export"))
    shop = Shop.open(copy, ("train.models=['popular', 'transition']",))
    person = shop.live().some_shopper()
    assert person is not None
    rows = shop.tables.count("events")
    theirs = shop.tables.events(["user_id"]).column(0).to_pylist().count(person)
    with shop.log() as log:
        log.append([Event("view", int(time.time() * 1000), user_id=person, item_id="x")]).result()
        log.append([Erasure(person)]).result()
    shop.train()
    assert shop.tables.count("events") == rows - theirs
    live = Shop.open(copy).live()
    assert live.user(person) is None
    name = person.encode()
    for path in copy.rglob("*"):
        if path.is_file() and path.suffix in {".json", ".parquet"}:
            assert name + b'"' not in path.read_bytes(), path
    assert person not in shop.tables.events(["user_id"]).column(0).to_pylist()
    assert person not in shop.tables.reviews().column("user_id").to_pylist()


def test_training_without_erasures_rewrites_nothing(trained: Path, tmp_path: Path) -> None:
    copy = tmp_path / "shop"
    shutil.copytree(trained, copy, ignore=shutil.ignore_patterns("export"))
    shop = Shop.open(copy, ("train.models=['popular']",))
    before = shop.tables.fingerprint()
    shop.train()
    assert shop.tables.fingerprint() == before
