"""The life of model versions: listed, compared, pinned, rolled back and pruned."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from shelfwise.app import Shop
from shelfwise.cli import app
from shelfwise.core.errors import NotTrainedError, StorageError
from shelfwise.pipeline.versions import compare, list_versions, pin_version, roll_back
from shelfwise.store.bundles import (
    BundleWriter,
    current_version,
    pin,
    pinned_version,
    promote,
    prune,
    unpin,
    versions,
)


def store(root: Path, version: str, ndcg: float = 0.1, reg: float = 1.0, **more: Any) -> None:
    """A version without models, but with its account."""
    about = {
        "fusion": {
            "k": 10,
            "chosen": "linear",
            "ndcg": {"linear": ndcg},
            "ndcg_single": {"ease": ndcg / 2},
            "held_out": 40,
        },
        "config": {"models": {"ease": {"reg": reg}}, "train": {"seed": 0}},
        "events": 12,
        "fit_seconds": {"ease": 1.5, "als": 0.5},
        "data": version,
        "parent": None,
    }
    with BundleWriter(root, version) as writer:
        writer.json("about", about | more)
        writer.publish()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The models of a shop with three versions, the last of which is current."""
    Shop.create(tmp_path / "shop")
    models = tmp_path / "shop" / "models"
    store(models, "v1")
    store(models, "v2", 0.2, 5.0, parent="v1")
    store(models, "v3", 0.3, 5.0, parent="v1")
    promote(models, "v3")
    return models


def test_versions_are_listed_newest_first_with_their_figures(root: Path) -> None:
    listed = list_versions(root)
    assert [(one.version, one.current, one.ndcg) for one in listed] == [
        ("v3", True, 0.3),
        ("v2", False, 0.2),
        ("v1", False, 0.1),
    ]
    assert listed[0].fit_seconds == 2.0
    assert listed[0].size > 0


def test_a_damaged_version_is_listed_as_such(root: Path) -> None:
    (root / "v2" / "about.json").unlink()
    assert [bool(one.trouble) for one in list_versions(root)] == [False, True, False]


def test_comparing_names_only_the_settings_that_differ(root: Path) -> None:
    found = compare(root, "v1", "v2")
    assert [(one.setting, one.before, one.after) for one in found.changes] == [
        ("models.ease.reg", 1.0, 5.0)
    ]
    assert "requests" in found.caution
    assert compare(root, "v2", "v3").changes == ()
    with pytest.raises(NotTrainedError, match="v9"):
        compare(root, "v1", "v9")


def test_rolling_back_goes_to_the_version_that_answered_before(root: Path) -> None:
    assert roll_back(root) == "v1"
    assert current_version(root) == "v1"
    with pytest.raises(NotTrainedError, match="older"):
        roll_back(root)
    assert roll_back(root, "v2") == "v2"
    with pytest.raises(NotTrainedError, match="v9"):
        roll_back(root, "v9")


def test_without_its_parent_the_next_older_version_answers(root: Path) -> None:
    store(root, "v4", parent="gone")
    promote(root, "v4")
    assert roll_back(root) == "v3"


def test_a_pinned_version_is_current_until_unpinned(root: Path) -> None:
    pin_version(root, "v2")
    assert current_version(root) == pinned_version(root) == "v2"
    with pytest.raises(StorageError, match="pinned"):
        roll_back(root)
    assert unpin(root) == "v2"
    assert pinned_version(root) is None
    assert current_version(root) == "v2"


def test_a_damaged_version_cannot_be_pinned(root: Path) -> None:
    (root / "v2" / "about.json").unlink()
    with pytest.raises(StorageError, match="damaged"):
        pin_version(root, "v2")
    assert current_version(root) == "v3"


def test_pruning_spares_the_current_and_the_pinned_version(root: Path) -> None:
    pin(root, "v1")
    assert prune(root, 1) == ["v2"]
    assert versions(root) == ["v1", "v3"]


def test_the_command_pins_and_lists(root: Path) -> None:
    answer = CliRunner().invoke(app, ["models", str(root.parent), "--pin", "v1", "--json"])
    assert answer.exit_code == 0, answer.output
    listed = json.loads(answer.stdout)
    assert [one["version"] for one in listed if one["pinned"] and one["current"]] == ["v1"]
    both = CliRunner().invoke(app, ["models", str(root.parent), "--unpin", "--rollback"])
    assert both.exit_code == 2


@pytest.mark.slow
def test_a_later_training_leaves_the_pinned_version_current(trained: Path, tmp_path: Path) -> None:
    import shutil

    copy = tmp_path / "shop"
    shutil.copytree(trained, copy, ignore=shutil.ignore_patterns("export"))
    shop = Shop.open(copy, ("train.models=['popular', 'transition']",))
    first = current_version(copy / "models")
    assert first is not None
    pin(copy / "models", first)
    published = shop.train()
    assert not published.promoted
    assert "pinned" in published.says
    assert current_version(copy / "models") == first
    assert shop.about(published.version)["parent"] == first
