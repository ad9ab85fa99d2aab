"""How long the retrieval models take to fit and to answer.

    shelfwise bench models_speed [--json FILE]

Synthetic shop: 200,000 purchases of 20,000 shoppers, 12,000 products with popularity ~ 1 / rank;
each shopper keeps to one of 100 tastes. Fits are repeated (EASE is not) and the least wall and
processor time given; the first call of everything, which may compile, is not counted. Answers are
one request after the other, 300 times, beside filling a row of scores, which every model must do.
What limits and peers there are for the fits, `shelfwise bench models` has.
"""

from __future__ import annotations

import json
import os
import platform
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from shelfwise.core.dataset import Dataset
from shelfwise.core.event import Product
from shelfwise.core.model import NOT_SCORED, Model
from shelfwise.core.requests import Histories, Requests
from shelfwise.core.rows import products_to_table
from shelfwise.retrieval import MODELS

USERS, ITEMS, EVENTS, TASTES = 20_000, 12_000, 200_000, 100
ROUNDS = 300


@dataclass(frozen=True)
class Row:
    """One line of the report."""

    what: str
    wall_s: float
    cpu_s: float
    note: str


def shop(rng: np.random.Generator) -> Dataset:
    """The synthetic shop, ids in random order."""
    share = 1.0 / np.arange(1, ITEMS + 1)
    share = rng.permutation(share / share.sum())
    user = np.sort(rng.integers(0, USERS, EVENTS)).astype(np.int32)
    drawn = rng.choice(ITEMS, EVENTS, p=share)
    item = (drawn // TASTES * TASTES + user % TASTES) % ITEMS
    data = Dataset.of_pairs(user, item.astype(np.int32), USERS, ITEMS)
    words = [f"taste{code % TASTES} line{code // 50} thing{code}" for code in range(ITEMS)]
    table = products_to_table([Product(str(code), title=words[code]) for code in range(ITEMS)])
    return replace(data, products=table)


def timed(work: Callable[[], object], repeats: int) -> tuple[float, float]:
    """Least wall and processor seconds."""
    wall, cpu = [], []
    for _ in range(repeats):
        start, used = time.perf_counter(), time.process_time()
        work()
        wall.append(time.perf_counter() - start)
        cpu.append(time.process_time() - used)
    return min(wall), min(cpu)


def fits(data: Dataset, small: Dataset) -> tuple[list[Row], dict[str, Model]]:
    """Every model, fitted."""
    rows, models = [], {}
    for name, model, settings in MODELS:
        config = settings()
        model.fit(small, config, np.random.default_rng(0))

        def work(name: str = name) -> None:
            kind, made = next((kind, made()) for own, kind, made in MODELS if own == name)
            models[name] = kind.fit(data, made, np.random.default_rng(0))

        wall, cpu = timed(work, 1 if name == "ease" else 3)
        rows.append(Row(f"fit {name}", wall, cpu, f"{len(data.events) / wall:,.0f} events/s"))
    return rows, models


def answers(models: dict[str, Model], asked: Requests) -> list[Row]:
    """One request at a time, and the least that any answer costs."""
    works: dict[str, Callable[[Requests], object]] = {
        "filling a row": lambda _: np.full((1, ITEMS), NOT_SCORED, np.float32)
    }
    works |= {name: model.scores for name, model in models.items()}
    rows = []
    for name, work in works.items():
        taken = []
        for place in range(ROUNDS):
            one = asked.part(place, place + 1)
            start = time.perf_counter()
            work(one)
            taken.append(time.perf_counter() - start)
        median, high = np.median(taken), np.quantile(taken, 0.99)
        note = f"median {median * 1e6:.0f} µs, p99 {high * 1e6:.0f} µs"
        rows.append(Row(f"answer {name}", float(median), float(median), note))
    return rows


def main(json_file: Path | None = None) -> None:
    """Prints the table, and writes it where asked."""
    rng = np.random.default_rng(0)
    data = shop(rng)
    small = data.with_events(data.events.take(np.arange(2_000)))
    rows, models = fits(data, small)
    asked = Requests.of_histories(
        Histories.of_users(data, np.arange(ROUNDS, dtype=np.int32) * 7), 10
    )
    for model in models.values():
        model.scores(asked.part(0, 1))
    rows += answers(models, asked)
    load = os.getloadavg()[0]
    machine = f"{platform.processor() or platform.machine()}, {os.cpu_count()} processors"
    print(f"{EVENTS:,} events, {ITEMS:,} products; {machine}, load average {load:.1f}")
    print(f"{'':20}{'wall s':>10}{'cpu s':>10}")
    for row in rows:
        print(f"{row.what:20}{row.wall_s:10.4f}{row.cpu_s:10.4f}  {row.note}")
    if json_file is not None:
        result = {"machine": machine, "load": load, "rows": [asdict(row) for row in rows]}
        json_file.write_text(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
