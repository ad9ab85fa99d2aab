"""How long the evaluation of one linear model takes, step by step, beside its limits.

    SHELFWISE_DATA=/path/to/public/data shelfwise bench evaluation_speed [--json FILE]

Beauty by leave-one-out (22,363 requests, 12,101 products), or a synthetic shop of the same shape
without the data. The path is that of `shelfwise evaluate`: split, leak checks, the model's scores
of the whole catalogue, top 10, all metrics, and the report. The model is EASE, as trained by
default (200 weights a row) and, as `full`, with every weight (random ones: the time does not depend
on them). Limits, in the same run: the product
of all histories and the item matrix as a dense GEMM (timed on a slice and scaled), and writing and
reading all scores once. Wall and CPU seconds are the least of three, warm.
"""

from __future__ import annotations

import json
import os
import platform
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from shelfwise.core.dataset import Dataset
from shelfwise.core.requests import Requests
from shelfwise.evaluation.leaks import assert_no_future
from shelfwise.evaluation.measure import ModelResult, measure
from shelfwise.evaluation.report import summarise
from shelfwise.evaluation.splits import Split, leave_one_out
from shelfwise.evaluation.yardstick import Yardstick
from shelfwise.pipeline.recommend import part_size
from shelfwise.pipeline.retrieve import allowed_scores
from shelfwise.rerank.seen import SeenConfig, SeenPolicy
from shelfwise.retrieval.ease import EASE, EASEConfig
from shelfwise.retrieval.neighbours import Neighbours
from shelfwise.retrieval.topk import top_k

K: Final = 10
N_USERS: Final = 22_363
N_ITEMS: Final = 12_101
N_EVENTS: Final = 198_502
REPEATS: Final = 3


def beauty(folder: Path) -> Dataset:
    """Beauty's sequences, with codes drawn at random."""
    with pa.input_stream(folder / "seq" / "Beauty.txt.zst", compression="zstd") as stream:
        lines = [line.split()[1:] for line in stream.read().decode().splitlines()]
    user = np.repeat(np.arange(len(lines), dtype=np.int32), [len(line) for line in lines])
    named, item = np.unique([name for line in lines for name in line], return_inverse=True)
    code = np.random.default_rng(0).permutation(len(named)).astype(np.int32)
    return Dataset.of_pairs(user, code[item], len(lines), len(named))


def synthetic() -> Dataset:
    """Random histories of Beauty's shape: at least five events each, products by a power law."""
    rng = np.random.default_rng(0)
    lengths = 5 + rng.multinomial(N_EVENTS - 5 * N_USERS, rng.dirichlet(np.full(N_USERS, 0.5)))
    user = np.repeat(np.arange(N_USERS, dtype=np.int32), lengths)
    chance = 1 / (10 + rng.permutation(N_ITEMS))
    item = rng.choice(N_ITEMS, len(user), p=chance / chance.sum()).astype(np.int32)
    return Dataset.of_pairs(user, item, N_USERS, N_ITEMS)


def timed(work: Callable[[], Any]) -> tuple[float, float]:
    """Least wall and CPU seconds of `REPEATS` runs, after one to warm up."""
    work()
    took = []
    for _ in range(REPEATS):
        wall, processor = time.perf_counter(), time.process_time()
        work()
        took.append((time.perf_counter() - wall, time.process_time() - processor))
    return min(wall for wall, _ in took), min(processor for _, processor in took)


def lists_of(model: EASE, split: Split, policy: SeenPolicy) -> NDArray[np.int32]:
    """[n_requests, K] what the model shows, as `shelfwise evaluate` asks it."""
    n_items = split.train.n_items
    size = part_size(1, n_items)
    parts = []
    for start in range(0, len(split), size):
        asked: Requests = split.requests.part(start, start + size)
        hidden = policy.hidden(asked.history, "exclude")
        parts.append(top_k(allowed_scores(model, asked, hidden, n_items), K)[0])
    return np.concatenate(parts)


def every_weight(n_items: int) -> Neighbours:
    """An item matrix without a zero."""
    indptr = np.arange(n_items + 1, dtype=np.int64) * n_items
    item = np.tile(np.arange(n_items, dtype=np.int32), n_items)
    return Neighbours(indptr, item, np.random.default_rng(0).random(len(item), np.float32))


def gemm_seconds(n_requests: int, n_items: int, rows: int = 512) -> float:
    """Wall seconds of the dense product of all histories and the item matrix, from a slice."""
    rng = np.random.default_rng(0)
    left = rng.random((rows, n_items), np.float32)
    right = rng.random((n_items, n_items), np.float32)
    return timed(lambda: left @ right)[0] * n_requests / rows


def memory_seconds(n_requests: int, n_items: int, rows: int = 1024) -> float:
    """Wall seconds to write and read every score once."""
    block = np.empty((rows, n_items), np.float32)

    def touch() -> None:
        block.fill(1.0)
        block.max()

    return timed(touch)[0] * n_requests / rows


def main(json_file: Path | None = None) -> None:
    """Prints the steps and the limits; `json_file` gets them too."""
    folder = os.environ.get("SHELFWISE_DATA")
    data = beauty(Path(folder)) if folder else synthetic()
    split = leave_one_out(data)
    n, n_items = len(split), data.n_items
    print(f"{'Beauty' if folder else 'synthetic'}: {n:,} requests, {n_items:,} products")
    print(f"{platform.machine()}, {os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}")
    policy = SeenPolicy.fit(split.train, np.full(n_items, -1, np.int32), SeenConfig())
    yardstick = Yardstick.of(split, data)
    figures: dict[str, Any] = {
        "split": timed(lambda: leave_one_out(data)),
        "leak checks": timed(lambda: assert_no_future(split, data)),
        "yardstick": timed(lambda: Yardstick.of(split, data)),
    }
    fitted = EASE.fit(split.train, EASEConfig(), np.random.default_rng(0))
    figures |= _model_steps("ease, 200 weights a row", fitted, yardstick, policy)
    full = replace(fitted, neighbours=every_weight(n_items))
    figures |= _model_steps("ease, full", full, yardstick, policy)
    figures["limit: dense GEMM"] = gemm_seconds(n, n_items)
    figures["limit: every score written and read once"] = memory_seconds(n, n_items)
    for name, value in figures.items():
        wall, processor = value if isinstance(value, tuple) else (value, None)
        cpu = "" if processor is None else f", {processor:.2f} CPU s"
        print(f"{name}: {wall:.2f} s{cpu}")
    if json_file is not None:
        json_file.write_text(json.dumps(figures, indent=1))


def _model_steps(
    label: str, model: EASE, yardstick: Yardstick, policy: SeenPolicy
) -> dict[str, tuple[float, float]]:
    split = yardstick.split
    top = lists_of(model, split, policy)

    def measured() -> ModelResult:
        return measure(yardstick, label, top, K, fit_seconds=0.0)

    def reported() -> None:
        one = measure(yardstick, label, lists_of(model, split, policy), K, fit_seconds=0.0)
        summarise(yardstick, [one], fusion=label, k=K, seed=0, repeat_policy="all seen are hidden")

    return {
        f"{label}: lists": timed(lambda: lists_of(model, split, policy)),
        f"{label}: all metrics": timed(measured),
        f"{label}: lists, metrics and report": timed(reported),
    }


if __name__ == "__main__":
    main()
