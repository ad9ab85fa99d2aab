"""Benchmarks are found, loaded and run by name."""

from __future__ import annotations

import inspect
from pathlib import Path

import pytest

from shelfwise.core.errors import BadInputError
from shelfwise.pipeline import bench


def test_a_benchmark_is_run_with_the_file_for_its_figures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "count_one.py").write_text(
        "from __future__ import annotations\n"
        "from dataclasses import dataclass\n"
        "from pathlib import Path\n"
        "@dataclass(frozen=True)\n"
        "class Figure:\n    value: int\n"
        "def main(json_file: Path | None) -> None:\n"
        "    assert json_file is not None\n"
        "    json_file.write_text(str(Figure(1).value))\n"
    )
    monkeypatch.setattr(bench, "FOLDER", tmp_path)
    bench.run_benchmark("count_one", tmp_path / "out.json")
    assert (tmp_path / "out.json").read_text() == "1"


def test_an_unknown_benchmark_names_those_there_are() -> None:
    with pytest.raises(BadInputError, match="journey"):
        bench.run_benchmark("nothing", None)


@pytest.mark.parametrize("name", bench.benchmark_names())
def test_every_benchmark_can_be_loaded_and_called(name: str) -> None:
    module = bench.load(bench.FOLDER / f"{name}.py")
    inspect.signature(module.main).bind(None)
    assert module.__doc__
