"""Our metrics beside `ranx`, case by case and to the last digit.

    python -m pip install ranx      # not a dependency: it brings pandas and matplotlib
    python benchmarks/evaluation_agreement.py [--freeze tests/evaluation/ranx_values.json]

Draws the shared cases from a seed, asks `ranx` and us, and prints in how many every bit is the
same. With `--freeze` the cases and what `ranx` said are written down; a test without `ranx` then
holds us to them. Definitions that differ on purpose are in docs/evaluation.md.
"""

from __future__ import annotations

import argparse
import importlib
import json
import platform
import time
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from shelfwise.core.ragged import Ragged
from shelfwise.evaluation.metrics import score_lists
from shelfwise.evaluation.significance import paired_t

METRICS: Final = {
    "recall": "recall",
    "precision": "precision",
    "ndcg": "ndcg",
    "mrr": "mrr",
    "hit_rate": "hit_rate",
    "map": "map",
}
"""Our name and that of `ranx`."""


@dataclass(frozen=True)
class Case:
    """Lists, what was wanted with its gains, and the length asked."""

    name: str
    top: list[list[int]]
    relevant: list[list[int]]
    gains: list[list[float]]
    k: int


def cases(seed: int = 0) -> list[Case]:
    """The shared cases; the lists come from scores full of ties, broken before anyone looks."""
    rng = np.random.default_rng(seed)
    return [
        _case("one relevant", rng, wanted=(1, 1)),
        _case("few relevant", rng, wanted=(1, 6)),
        _case("more relevant than places", rng, wanted=(15, 60)),
        _case("short lists", rng, wanted=(1, 6), shortest=1),
        _case("ties in the scores", rng, wanted=(1, 6), levels=3),
        _case("nothing relevant for some", rng, wanted=(0, 2)),
        _case("graded gains", rng, wanted=(1, 8), grades=5),
        _case("graded gains, more than places", rng, wanted=(15, 40), grades=3),
        _case("money", rng, wanted=(1, 8), grades=0),
        _case("k of 1", rng, wanted=(1, 3), k=1),
        _case("k of 100", rng, wanted=(1, 80), k=100, n_items=400),
    ]


def _case(
    name: str,
    rng: np.random.Generator,
    *,
    wanted: tuple[int, int],
    shortest: int | None = None,
    levels: int | None = None,
    grades: int | None = None,
    k: int = 10,
    n_items: int = 120,
    n: int = 30,
) -> Case:
    top, relevant, gains = [], [], []
    for _ in range(n):
        scores = rng.integers(0, levels, n_items) if levels else rng.random(n_items)
        order = rng.permutation(n_items)
        ranked = order[np.argsort(-scores[order], kind="stable")]
        length = int(rng.integers(shortest, k + 1)) if shortest else k
        found = rng.choice(n_items, int(rng.integers(wanted[0], wanted[1] + 1)), replace=False)
        if len(found) and rng.random() < 0.7:  # a random list hardly ever hits
            found[0] = ranked[rng.integers(0, length)]
            found = np.unique(found)
        top.append([*ranked[:length].tolist(), *[-1] * (k - length)])
        relevant.append(found.tolist())
        gains.append(_gains(rng, len(found), grades))
    return Case(name, top, relevant, gains, k)


def _gains(rng: np.random.Generator, n: int, grades: int | None) -> list[float]:
    """All 1; whole numbers up to `grades`; or, for 0, amounts of money in cents.

    Whole, since `ranx` cuts fractions off.
    """
    if grades is None:
        return [1.0] * n
    if grades == 0:
        return [float(cents) for cents in np.round(100 * rng.lognormal(2, 1, n)).clip(1)]
    return [float(grade) for grade in rng.integers(1, grades + 1, n)]


def ours(case: Case) -> dict[str, list[float]]:
    """Per metric one value a request; NaN where nothing is relevant."""
    relevant = Ragged.of(case.relevant)
    gain = np.array([value for row in case.gains for value in row])
    scores = score_lists(np.array(case.top, np.int32), relevant, case.k, gain)
    return {name: getattr(scores, name).tolist() for name in METRICS}


def theirs(case: Case, ranx: Any) -> dict[str, list[float]]:
    """The same of `ranx`, which gets places as scores, so that no tie is left to it.

    It takes no request without anything relevant, and calls it 0; here it is NaN as with us.
    """
    asked = [at for at, found in enumerate(case.relevant) if found]
    names = [f"q{at:04d}" for at in asked]
    qrels = ranx.Qrels(
        {
            name: {
                f"i{item}": gain
                for item, gain in zip(case.relevant[at], case.gains[at], strict=True)
            }
            for name, at in zip(names, asked, strict=True)
        }
    )
    run = ranx.Run(
        {
            name: {
                f"i{item}": float(case.k - place)
                for place, item in enumerate(case.top[at])
                if item >= 0
            }
            for name, at in zip(names, asked, strict=True)
        }
    )
    out = {}
    for ours_name, name in METRICS.items():
        values = ranx.evaluate(qrels, run, f"{name}@{case.k}", return_mean=False)
        column = np.full(len(case.top), np.nan)
        column[asked] = values
        out[ours_name] = column.tolist()
    return out


def their_map(case: Case, values: list[float]) -> NDArray[np.float64]:
    """MAP of `ranx`, which divides by all relevant items, over those a list can hold, as ours."""
    wanted = np.array([len(found) for found in case.relevant])
    reachable = np.minimum(np.maximum(wanted, 1), case.k)
    out: NDArray[np.float64] = np.array(values) * wanted / reachable
    return out


def main(json_file: Path | None = None) -> None:
    """Compares and prints; `json_file` gets the figures."""
    _run(json_file, freeze=None)


def _run(json_file: Path | None, freeze: Path | None) -> None:
    try:
        ranx = importlib.import_module("ranx")
        significance = importlib.import_module("ranx.statistical_tests.paired_student_t_test")
    except ImportError:
        print("ranx is not installed: python -m pip install ranx")
        return
    print(f"ranx {version('ranx')}, numpy {np.__version__}, {platform.machine()}")
    drawn = cases()
    answers = [theirs(case, ranx) for case in drawn]
    same = {}
    for case, answer in zip(drawn, answers, strict=True):
        mine = ours(case)
        same[case.name] = {name: _agreement(case, name, mine[name], answer[name]) for name in mine}
        print(f"{case.name}: " + ", ".join(f"{n} {says}" for n, says in same[case.name].items()))
    p_values = _tests(significance)
    print(f"paired t-test: {p_values}")
    print(_speed(ranx))
    if json_file is not None:
        json_file.write_text(json.dumps({"agreement": same, "paired_t": p_values}, indent=1))
    if freeze is not None:
        frozen = [
            {**vars(case), "expected": {name: _null(column) for name, column in answer.items()}}
            for case, answer in zip(drawn, answers, strict=True)
        ]
        freeze.write_text(json.dumps({"ranx": version("ranx"), "cases": frozen}) + "\n")
        print(f"written: {freeze}")


def _agreement(case: Case, name: str, mine: list[float], other: list[float]) -> str:
    if name == "map" and any(len(found) > case.k for found in case.relevant):
        gap = np.nanmax(np.abs(np.array(mine) - their_map(case, other)))
        return f"within {gap:.0e} after their divisor is ours"
    equal = np.array_equal(np.array(mine), np.array(other), equal_nan=True)
    return "identical" if equal else f"off by {np.nanmax(np.abs(np.array(mine) - other)):.0e}"


def _null(column: list[float]) -> list[float | None]:
    return [None if value != value else value for value in column]  # noqa: PLR0124 - not NaN


def _tests(significance: Any) -> str:
    rng = np.random.default_rng(1)
    gaps = []
    for n in (10, 1000):
        one, other = rng.random(n), rng.random(n) + 0.02
        theirs_p = significance.paired_student_t_test(one, other)[0]
        gaps.append(abs(paired_t(one, other)[1] - theirs_p) / theirs_p)
    return f"p-values within {max(gaps):.0e} of theirs, relative"


def _speed(ranx: Any, n: int = 20_000, k: int = 10) -> str:
    """CPU seconds for all six metrics of the same lists; both compiled and warm."""
    rng = np.random.default_rng(2)
    top = np.argsort(rng.random((n, 60)), axis=1)[:, :k].astype(np.int32)
    relevant = Ragged(np.arange(n + 1, dtype=np.int64), rng.integers(0, 60, n).astype(np.int32))
    qrels = ranx.Qrels({f"q{r:06d}": {f"i{relevant[r][0]}": 1} for r in range(n)})
    lists = {
        f"q{r:06d}": {f"i{item}": float(k - place) for place, item in enumerate(row)}
        for r, row in enumerate(top.tolist())
    }
    start = time.process_time()
    run = ranx.Run(lists)
    built = time.process_time() - start
    names = [f"{name}@{k}" for name in METRICS.values()]
    ranx.evaluate(qrels, run, names)
    score_lists(top, relevant, k)
    took = []
    for call in (lambda: ranx.evaluate(qrels, run, names), lambda: score_lists(top, relevant, k)):
        start = time.process_time()
        call()
        took.append(time.process_time() - start)
    return (
        f"{n:,} lists, six metrics: ranx {took[0]:.3f} CPU s (and {built:.2f} to build its run),"
        f" ours {took[1]:.3f} CPU s"
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--freeze", type=Path)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    _run(arguments.json, arguments.freeze)
