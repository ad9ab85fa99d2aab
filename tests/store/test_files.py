"""Publishing files: the old one or the new one, never half of one."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from shelfwise.core.errors import StorageError
from shelfwise.store.files import only_one, publish_bytes, publish_json, read_json

WITH_A_SMALL_DISK = """
import resource, sys
from pathlib import Path
from shelfwise.core.errors import StorageError
from shelfwise.store.files import publish_bytes
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    publish_bytes(Path(sys.argv[1]), b"n" * 5000)
except StorageError as error:
    print(error)
"""


def test_a_published_file_holds_exactly_what_was_given(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    publish_bytes(path, b"one")
    publish_bytes(path, b"two")
    assert path.read_bytes() == b"two"
    assert [path.name for path in tmp_path.iterdir()] == ["a.bin"]


def test_published_json_is_read_back_equal_and_keeps_its_letters(tmp_path: Path) -> None:
    publish_json(tmp_path / "a.json", {"name": "壶", "n": [1, None]})
    assert read_json(tmp_path / "a.json") == {"name": "壶", "n": [1, None]}
    assert "壶" in (tmp_path / "a.json").read_text(encoding="utf-8")


def test_a_full_disk_leaves_the_old_file_and_says_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    publish_json(path, {"old": True})
    done = subprocess.run(
        [sys.executable, "-c", WITH_A_SMALL_DISK, str(path)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.startswith(f"No space left on the disk to write {path}. Free some space")
    assert json.loads(path.read_text()) == {"old": True}
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]


def test_a_missing_folder_is_named_with_a_remedy(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=r"Cannot write .*nowhere/a: .* Check that the folder"):
        publish_bytes(tmp_path / "nowhere" / "a", b"")


def test_a_damaged_json_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('{"half": ')
    with pytest.raises(StorageError, match=r"a\.json is damaged"):
        read_json(tmp_path / "a.json")


def test_a_second_process_is_refused_while_the_first_works(tmp_path: Path) -> None:
    lock = tmp_path / ".lock"
    with (
        only_one(lock, "ingesting into"),
        pytest.raises(StorageError, match="Another process is ingesting into"),
        only_one(lock, "ingesting into"),
    ):
        pass
    with only_one(lock, "ingesting into"):
        pass
