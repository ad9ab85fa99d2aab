"""The worked example of docs/adding-a-model.md is a real model with a real test."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "adding-a-model.md"
NAME = "shelfwise.retrieval.category_best"


def loaded(name: str, source: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """A module made of the source, importable by its name during the test."""
    path = folder / f"{name.rpartition('.')[2]}.py"
    path.write_text(source, encoding="utf-8")
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, name, module)
    spec.loader.exec_module(module)
    return module


def test_the_example_passes_its_own_test(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blocks = PAGE.read_text(encoding="utf-8").split("```python\n")[1:]
    model, test, _ = (block.partition("```")[0] for block in blocks)
    loaded(NAME, model, tmp_path, monkeypatch)
    cases = vars(loaded("test_category_best", test, tmp_path, monkeypatch))
    tests = [one for name, one in cases.items() if name.startswith("test_")]
    assert tests
    for one in tests:
        one()


def test_the_example_of_a_model_alone_prints_what_it_found(
    capsys: pytest.CaptureFixture[str],
) -> None:
    alone = PAGE.read_text(encoding="utf-8").split("```python\n")[3].partition("```")[0]
    exec(compile(alone, str(PAGE), "exec"), {})  # noqa: S102 - the page is ours
    items, *matrix = capsys.readouterr().out.splitlines()
    assert items.startswith(("['tea'", "['cup'", "['pot'"))
    assert len(matrix) == 2
