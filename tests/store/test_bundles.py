"""Model bundles: whole, checked, and the right one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from shelfwise.core.errors import NotTrainedError, StorageError
from shelfwise.core.model import ModelState
from shelfwise.store.bundles import (
    BundleWriter,
    current_version,
    load_state,
    open_bundle,
    promote,
    save_state,
    version_name,
    versions,
)


def publish(root: Path, version: str, value: float = 1.0) -> None:
    with BundleWriter(root, version) as writer:
        writer.arrays("weights", {"w": np.full(3, value, np.float32), "none": np.empty(0)})
        writer.json("settings", {"k": 10})
        writer.table("products", pa.table({"item_id": ["a", None]}))
        writer.publish()


def test_a_published_bundle_gives_back_every_part(tmp_path: Path) -> None:
    publish(tmp_path, "v1", 2.5)
    promote(tmp_path, "v1")
    bundle = open_bundle(tmp_path, check_hashes=True)
    arrays = bundle.arrays("weights")
    assert bundle.version == current_version(tmp_path) == "v1"
    assert arrays["w"].tolist() == [2.5, 2.5, 2.5]
    assert arrays["none"].shape == (0,)
    assert bundle.json("settings") == {"k": 10}
    assert bundle.table("products").column(0).to_pylist() == ["a", None]
    assert bundle.warning is None


def test_arrays_are_memory_mapped_and_cannot_be_written(tmp_path: Path) -> None:
    publish(tmp_path, "v1")
    array = open_bundle(tmp_path, "v1").arrays("weights")["w"]
    assert isinstance(array.base, np.memmap)
    with pytest.raises(ValueError, match="read-only"):
        array[0] = 0


def test_objects_that_would_need_pickle_are_refused(tmp_path: Path) -> None:
    with BundleWriter(tmp_path, "v1") as writer, pytest.raises(ValueError, match="pickle"):
        writer.arrays("bad", {"o": np.array([{}], dtype=object)})


def test_a_model_state_is_loaded_as_it_was_saved(tmp_path: Path) -> None:
    state = ModelState({"reg": 0.5}, {"b": np.arange(4)})
    with BundleWriter(tmp_path, "v1") as writer:
        save_state(writer, "ease", state)
        writer.publish()
    bundle = open_bundle(tmp_path, "v1")
    assert bundle.has("ease")
    assert not bundle.has("als")
    loaded = load_state(bundle, "ease")
    assert loaded.settings == state.settings
    assert loaded.arrays["b"].tolist() == [0, 1, 2, 3]


def test_an_unpublished_bundle_leaves_nothing(tmp_path: Path) -> None:
    with BundleWriter(tmp_path, "v1") as writer:
        writer.json("a", 1)
    assert list(tmp_path.iterdir()) == []


def test_a_version_is_not_current_until_promoted(tmp_path: Path) -> None:
    publish(tmp_path, "v1")
    promote(tmp_path, "v1")
    publish(tmp_path, "v2")
    assert versions(tmp_path) == ["v1", "v2"]
    assert open_bundle(tmp_path).version == "v1"
    promote(tmp_path, "v2")
    assert open_bundle(tmp_path).version == "v2"
    assert open_bundle(tmp_path, "v1").version == "v1"


def test_a_shop_without_a_model_says_how_to_train(tmp_path: Path) -> None:
    with pytest.raises(NotTrainedError, match=rf"Run: shelfwise train {tmp_path}$"):
        open_bundle(tmp_path / "models")


def test_an_unknown_version_lists_the_known_ones(tmp_path: Path) -> None:
    publish(tmp_path, "v1")
    with pytest.raises(NotTrainedError, match=r"no model version v9 \(known: v1\)"):
        open_bundle(tmp_path, "v9")
    with pytest.raises(StorageError, match="Choose one of: v1"):
        promote(tmp_path, "v9")


def test_a_version_is_never_overwritten(tmp_path: Path) -> None:
    publish(tmp_path, "v1")
    with pytest.raises(StorageError, match="v1 exists already"):
        publish(tmp_path, "v1", 9.0)
    assert open_bundle(tmp_path, "v1").arrays("weights")["w"][0] == 1.0


@pytest.mark.parametrize("damage", ["truncated", "missing", "manifest"])
def test_a_damaged_current_bundle_gives_way_to_the_newest_whole_one(
    tmp_path: Path, damage: str
) -> None:
    for version in ("v1", "v2", "v3"):
        publish(tmp_path, version)
    promote(tmp_path, "v3")
    part = tmp_path / "v3" / ("manifest.json" if damage == "manifest" else "weights/w.npy")
    if damage == "missing":
        part.unlink()
    else:
        part.write_bytes(part.read_bytes()[:-2])
    bundle = open_bundle(tmp_path)
    assert bundle.version == "v2"
    assert bundle.warning is not None
    assert bundle.warning.startswith("Model version v3 is damaged")
    assert "version v2" in bundle.warning
    with pytest.raises(StorageError, match="v3 is damaged"):
        open_bundle(tmp_path, "v3")


def test_a_changed_byte_is_found_by_its_hash(tmp_path: Path) -> None:
    publish(tmp_path, "v1")
    part = tmp_path / "v1" / "weights" / "w.npy"
    part.write_bytes(part.read_bytes()[:-1] + b"\x00")
    assert open_bundle(tmp_path, "v1").version == "v1"
    with pytest.raises(StorageError, match=r"'weights/w\.npy' was changed"):
        open_bundle(tmp_path, "v1", check_hashes=True)


def test_when_no_bundle_is_whole_the_shop_must_be_trained(tmp_path: Path) -> None:
    publish(tmp_path, "v1")
    promote(tmp_path, "v1")
    (tmp_path / "v1" / "settings.json").unlink()
    with pytest.raises(NotTrainedError, match="No other whole version"):
        open_bundle(tmp_path)


def test_a_part_that_is_not_there_is_named(tmp_path: Path) -> None:
    publish(tmp_path, "v1")
    with pytest.raises(StorageError, match=r"v1 holds no 'als\.json'"):
        load_state(open_bundle(tmp_path, "v1"), "als")


@pytest.mark.parametrize("name", ["../x", "a/b", "", ".hidden"])
def test_names_cannot_leave_the_bundle(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="name may hold"):
        BundleWriter(tmp_path, name)


def test_versions_sort_by_the_time_they_were_made() -> None:
    names = [version_name(1_700_000_000_000 + 1000 * s, "ff00" * 16) for s in range(3)]
    assert names == sorted(names)
