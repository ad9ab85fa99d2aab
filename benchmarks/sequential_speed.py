"""How long an epoch of the sequential transformer takes, beside the least it could.

    SHELFWISE_DATA=/path/to/public/data shelfwise bench sequential_speed [--json FILE]

Data: the Beauty sequences (22,363 shoppers, 12,101 products) with title words and attributes, the
last two items of each shopper held back. The product defaults are fitted for `EPOCHS` epochs,
`REPEATS` times after a short fit that may compile; an epoch is a fit's time over their number, the
reading of titles included. Beside it, in the same process and in turn with the fits:

- limit: the floating-point operations of the softmax's three products of matrices, at the rate of
  a large float32 product on all threads;
- answers: one history at a time, and all of them in a batch, over the whole catalogue.
"""

from __future__ import annotations

import json
import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from shelfwise import Shop
from shelfwise.core.threads import n_threads
from shelfwise.evaluation.splits import Split, leave_one_out
from shelfwise.retrieval.sequential import Sequential, SequentialConfig

EPOCHS, REPEATS, ONE_BY_ONE = 5, 3, 500


def beauty(folder: str) -> Split:
    """The validation split of the Beauty sequences."""
    with tempfile.TemporaryDirectory() as place:
        shop = Shop.create(Path(place) / "shop")
        start = f"{folder}/seq/Beauty"
        shop.ingest(events=f"{start}.txt.zst", products=f"{start}_products.csv.zst")
        return leave_one_out(shop.dataset(), part="validation")


def timed(work: Callable[[], object]) -> tuple[float, float]:
    """Wall and processor seconds."""
    start, used = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - start, time.process_time() - used


def product_rate(rng: np.random.Generator) -> float:
    """GFLOP/s of a large float32 product of matrices on all threads."""
    size = 3_000
    one = rng.normal(size=(size, size)).astype(np.float32)
    with threadpool_limits(n_threads(), "blas"):
        return 2 * size**3 / timed(lambda: one @ one)[0] / 1e9


def main(json_file: Path | None = None) -> None:
    """Prints the figures, and writes them where asked."""
    data = os.environ.get("SHELFWISE_DATA")
    if not data:
        sys.exit("Set SHELFWISE_DATA to the folder of the public data sets.")
    split = beauty(data)
    config = SequentialConfig()
    lengths = split.requests.history.lengths()
    targets = int((lengths - 1).sum())
    rng = np.random.default_rng(0)

    def fit(epochs: float) -> Sequential:
        part = config.model_copy(update={"epochs": epochs, "minutes": 60.0})
        return Sequential.fit(split.train, part, np.random.default_rng(0))

    model = fit(EPOCHS)
    model.scores(split.requests.part(0, 1))
    rows = []
    for _ in range(REPEATS):
        rate = product_rate(rng)
        rows.append((*timed(lambda: fit(EPOCHS)), rate))
    wall, cpu, rates = (np.array(column) for column in zip(*rows, strict=True))
    wall, cpu = wall / EPOCHS, cpu / EPOCHS
    work = 6 * targets * split.train.n_items * config.size / 1e9
    alone = [split.requests.part(at, at + 1) for at in range(ONE_BY_ONE)]
    single = [timed(partial(model.scores, one))[0] for one in alone]
    batch = timed(lambda: model.scores(split.requests.part(0, 5000)))[0] / 5000
    found = {
        "targets": targets,
        "epoch_wall_s": [float(np.median(wall)), float(wall.min()), float(wall.max())],
        "epoch_cpu_s": [float(np.median(cpu)), float(cpu.min()), float(cpu.max())],
        "product_gflops": [float(np.median(rates)), float(rates.min()), float(rates.max())],
        "limit_wall_s": work / float(rates.max()),
        "one_answer_us": [float(np.median(single) * 1e6), float(np.quantile(single, 0.99) * 1e6)],
        "answer_in_a_batch_us": batch * 1e6,
        "load": os.getloadavg()[0],
        "machine": f"{platform.machine()}, {n_threads()} threads",
    }
    print(json.dumps(found, indent=1))
    if json_file is not None:
        json_file.write_text(json.dumps(found, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
