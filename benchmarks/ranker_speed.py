"""How fast one request is ranked: features of the sources, the linear ranker, 100 trees.

    shelfwise bench ranker_speed [--json FILE]

500 candidates × 60 features, one thread, warm, synthetic numbers; each piece of work 2,000 times,
one after the other in every round, so that all meet the same noise. Reported are the least, the
middle and the 99th percentile in microseconds. Peers and limits in the same rounds:

- numpy's product of the features with a vector: the least that any ranker costs;
- reading the features once (their maximum): the limit of memory;
- comparing alone: as many float comparisons as the trees ask questions, by numpy on whole columns.
"""

from __future__ import annotations

import json
import os
import platform
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from shelfwise.core.candidates import Candidates
from shelfwise.ranking.linear import LinearRanker
from shelfwise.ranking.source_features import source_features
from shelfwise.ranking.trees import Forest

ROWS, FEATURES, TREES, SOURCES, ROUNDS = 500, 60, 100, 9, 2_000


@dataclass(frozen=True)
class Timing:
    """One piece of work."""

    what: str
    least_us: float
    median_us: float
    p99_us: float
    ratio: float
    """Least time against that of numpy's product."""


def _candidates(rng: np.random.Generator) -> Candidates:
    score = rng.gamma(1.0, 1.0, (ROWS, SOURCES)).astype(np.float32)
    score[rng.random(score.shape) < 0.4] = np.nan
    rank = np.where(np.isnan(score), 0, rng.integers(1, 300, score.shape)).astype(np.int32)
    names = tuple(f"source_{s}" for s in range(SOURCES))
    item = np.arange(ROWS, dtype=np.int32)
    return Candidates(names, np.zeros(ROWS, np.int32), item, score, rank, 1)


def _works(rng: np.random.Generator) -> dict[str, Callable[[], object]]:
    features = rng.normal(size=(ROWS, FEATURES)).astype(np.float32)
    vector = rng.normal(size=FEATURES).astype(np.float32)
    forest = Forest(
        rng.integers(0, FEATURES, (TREES, 6)).astype(np.int32),
        rng.normal(size=(TREES, 6)).astype(np.float32),
        rng.normal(size=(TREES, 127)).astype(np.float32),
    )
    names = tuple(f"f{i}" for i in range(FEATURES))
    linear = LinearRanker(names, vector, np.abs(vector), vector)
    candidates = _candidates(rng)
    columns: NDArray[np.float32] = np.ascontiguousarray(features.T)[forest.feature.ravel()]
    threshold = forest.threshold.ravel()[:, None]
    return {
        "numpy product": lambda: features @ vector,
        "reading once": features.max,
        "numpy comparisons": lambda: columns > threshold,
        "linear ranker": lambda: linear.score(features),
        "trees": lambda: forest.score(features),
        "trees, one row": lambda: forest.score(features[:1]),
        "source features": lambda: source_features(candidates),
    }


def measure() -> list[Timing]:
    """The timings, in a fixed order."""
    works = _works(np.random.default_rng(0))
    taken: dict[str, list[float]] = {name: [] for name in works}
    for work in works.values():
        work()
    for _ in range(ROUNDS):
        for name, work in works.items():
            start = time.perf_counter()
            work()
            taken[name].append((time.perf_counter() - start) * 1e6)
    base = min(taken["numpy product"])
    return [
        Timing(
            name,
            round(min(times), 1),
            round(float(np.median(times)), 1),
            round(float(np.quantile(times, 0.99)), 1),
            round(min(times) / base, 2),
        )
        for name, times in taken.items()
    ]


def main(json_file: Path | None = None) -> None:
    """Prints the table, and writes it where asked."""
    machine = f"{platform.processor() or platform.machine()}, {os.cpu_count()} processors"
    print(f"{ROWS} rows, {FEATURES} features, {TREES} trees, {ROUNDS} rounds; {machine}")
    print(f"{'':20}{'least':>9}{'median':>9}{'p99':>9}  × product")
    timings = measure()
    for t in timings:
        print(f"{t.what:20}{t.least_us:9.1f}{t.median_us:9.1f}{t.p99_us:9.1f}{t.ratio:11.2f}")
    if json_file is not None:
        result = {"machine": machine, "timings": [asdict(t) for t in timings]}
        json_file.write_text(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
