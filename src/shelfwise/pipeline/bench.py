"""Finds and runs the benchmarks of a source checkout."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

from shelfwise.core.errors import BadInputError

FOLDER = Path(__file__).parents[3] / "benchmarks"


def benchmark_names() -> list[str]:
    """The benchmarks there are: one file each."""
    return sorted(path.stem for path in FOLDER.glob("*.py"))


def run_benchmark(name: str, json_file: Path | None) -> None:
    """Runs one benchmark, or `all` of them; each prints its figures, method and spread."""
    names = benchmark_names()
    if not names:
        raise BadInputError(
            "There are no benchmarks here.", remedy="Run this in a checkout of the source."
        )
    if name != "all" and name not in names:
        raise BadInputError(
            f"There is no benchmark '{name}'.", remedy=f"Choose one of: all, {', '.join(names)}."
        )
    for one in names if name == "all" else [name]:
        load(FOLDER / f"{one}.py").main(json_file)


def load(path: Path) -> ModuleType:
    """The benchmark at `path` as a module; its `main(json_file)` runs it."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise BadInputError(f"{path} cannot be loaded.", remedy="Restore it from the repository.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module  # dataclasses look their module up there
    spec.loader.exec_module(module)
    return module
