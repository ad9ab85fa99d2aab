"""How training grows with the shop: seconds and memory of each model from 10^5 to 2*10^7 events.

    shelfwise bench scaling [--json FILE]
    python benchmarks/scaling.py [--least 1e5] [--most 1e6] [--models als,slim] [--json FILE]

Simulated shops: a shopper for ten events, a product for fifty; lengths of histories, products,
departments and words have long tails, so what is popular grows with the shop. For each size:

- what `train` chooses by itself and what it leaves out, with the budget it has by default;
- each chosen model fitted alone: wall and processor seconds, and memory at its peak above what the
  process held before, as the system counts it; the shortest of three fits where one takes less than
  ten seconds;
- the ratio of processor seconds to those of half the data: `(t2 / t1) ** (1 / log2(n2 / n1))`.

The figures go to FILE and a picture beside it (`.svg`). From 100,000 products on, a ratio above 2.3
is flagged and makes the benchmark fail. A model is fitted on a small shop first, so that nothing is
compiled while the clock runs.
"""

from __future__ import annotations

import argparse
import ctypes
import gc
import json
import os
import platform
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import vl_convert
from numba import njit
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from shelfwise.core.columns import EVENT_CODE, PRODUCTS_SCHEMA
from shelfwise.core.dataset import Dataset, Events, empty_reviews
from shelfwise.core.threads import n_threads
from shelfwise.core.vocabulary import Vocabulary
from shelfwise.pipeline.budget import Plan, plan
from shelfwise.pipeline.costs import Cost, cost_of
from shelfwise.pipeline.machine import memory_bytes
from shelfwise.pipeline.models import fit_model
from shelfwise.pipeline.settings import PipelineConfig
from shelfwise.pipeline.shape import Shape
from shelfwise.retrieval import ON_REQUEST

SIZES: Final = (
    100_000, 312_500, 625_000, 1_250_000, 2_500_000, 5_000_000, 10_000_000, 20_000_000,
)  # fmt: skip
EVENTS_A_SHOPPER, EVENTS_A_PRODUCT, GROUP = 10, 50, 200
LONGEST: Final = 300
DAYS: Final = 365
SHORT: Final = 10.0
"""Processor seconds below which a fit is made three times."""
LARGE, MOST_RATIO = 100_000, 2.3
"""Products from which twice the data may cost so many times the processor seconds."""


@dataclass(frozen=True)
class Fit:
    """One model fitted on one shop."""

    model: str
    events: int
    products: int
    wall_s: float
    cpu_s: float
    peak_bytes: int
    """Above what the process held before the fit."""


def simulated(n_events: int, seed: int = 0) -> Dataset:
    """A shop of some `n_events` events, in order of time, whose codes say nothing."""
    rng = np.random.default_rng(seed)
    n_items = max(GROUP, n_events // EVENTS_A_PRODUCT)
    drawn = rng.lognormal(np.log(EVENTS_A_SHOPPER) - 0.5, 1.0, max(1, n_events // EVENTS_A_SHOPPER))
    lengths = np.clip(drawn, 1, LONGEST).astype(np.int64)
    user = np.repeat(rng.permutation(len(lengths)).astype(np.int32), lengths)
    item = rng.permutation(n_items).astype(np.int32)[
        _walks(lengths, n_items, GROUP, rng.random(3 * len(user)), rng.random(len(lengths)))
    ]
    time_ms = _times(lengths, rng)
    order = np.argsort(time_ms, kind="stable")
    kinds = np.array([EVENT_CODE[name] for name in ("view", "add_to_cart", "purchase")], np.int8)
    events = Events.of(user[order], item[order], time_ms=time_ms[order])
    events.type[:] = rng.choice(kinds, len(user), p=[0.75, 0.1, 0.15])
    items = Vocabulary.of(f"p{code}" for code in range(n_items))
    return Dataset(
        users=Vocabulary.of(f"u{code}" for code in range(len(lengths))),
        items=items,
        events=events,
        products=_products(items, rng),
        reviews=empty_reviews(),
        anonymous=np.zeros(len(lengths), np.bool_),
        timed=True,
    )


def _times(lengths: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int64]:
    """Days apart within a shopper, who comes first on any day of the year."""
    first = np.cumsum(lengths) - lengths
    gap = rng.exponential(2.0, int(lengths.sum()))
    gap[first] = 0.0
    walked = np.cumsum(gap)
    day = walked - np.repeat(walked[first], lengths)
    day += np.repeat(rng.uniform(0, DAYS, len(lengths)), lengths)
    return np.asarray(np.minimum(day, DAYS) * 86_400_000, np.int64)


@njit(cache=True)
def _walks(lengths: Any, n_items: int, group: int, u: Any, home: Any) -> Any:
    """What everyone met, by place: half near home, a quarter a step on, the rest anywhere."""
    out = np.empty(lengths.sum(), np.int32)
    n_groups = n_items // group
    at = 0
    for shopper in range(len(lengths)):
        mine = _tail(home[shopper], n_groups, 0.6)
        for k in range(lengths[shopper]):
            how, one = u[3 * at], u[3 * at + 1]
            if k > 0 and how < 0.25:
                last = out[at - 1]
                base = last // group * group
                size = min(group, n_items - base)
                out[at] = base + (last - base + 1 + _tail(one, 5, 0.9)) % size
            elif k > 0 and how < 0.3:
                out[at] = out[at - 1 - int(one * min(k, 10))]
            elif how < 0.8:
                out[at] = mine * group + _tail(one, group, 0.8)
            else:
                out[at] = _tail(one, n_groups, 0.6) * group + _tail(u[3 * at + 2], group, 0.8)
            at += 1
    return out


@njit(cache=True)
def _tail(u: float, n: int, power: float) -> int:
    """A place below `n` whose chance falls with that power of the place."""
    value = ((float(n + 1) ** (1 - power) - 1) * u + 1) ** (1 / (1 - power))
    return min(n - 1, int(value) - 1)


def _products(items: Vocabulary, rng: np.random.Generator) -> pa.Table:
    n = len(items)
    common = (20_000 * rng.random((n, 4)) ** 3).astype(np.int64)
    special = rng.integers(0, 40, (n, 3))
    of_group = rng.integers(0, max(1, n // GROUP), n)
    brand = (max(2, n // 100) * rng.random(n) ** 2).astype(np.int64)
    columns: dict[str, Any] = {
        "item_id": list(items.ids),
        "title": [
            " ".join([*(f"word{w}" for w in few), *(f"thing{g}x{w}" for w in own)])
            for few, own, g in zip(
                common.tolist(), special.tolist(), of_group.tolist(), strict=True
            )
        ],
        "brand": [f"brand{b}" for b in brand.tolist()],
        "category": [f"dept{g % 20} > group{g}" for g in of_group.tolist()],
        "price": rng.lognormal(3, 1, n).tolist(),
    }
    arrays = [
        pa.array(columns[field.name], field.type)
        if field.name in columns
        else pa.nulls(n, field.type)
        for field in PRODUCTS_SCHEMA
    ]
    return pa.Table.from_arrays(arrays, schema=PRODUCTS_SCHEMA)


def fitted(name: str, data: Dataset, config: PipelineConfig) -> Fit:
    """One fit as `train` makes it, measured."""
    before = _restarted_peak()
    start, used = time.perf_counter(), time.process_time()
    with threadpool_limits(1, "blas"):
        fit_model(name, data, config.models, np.random.default_rng(0))
    wall, cpu = time.perf_counter() - start, time.process_time() - used
    return Fit(name, len(data.events), data.n_items, wall, cpu, _status("VmHWM") - before)


def least(name: str, data: Dataset, config: PipelineConfig) -> Fit:
    """The fit that took least, of three where one is short: others on the machine only add."""
    first = fitted(name, data, config)
    again = 2 if first.cpu_s < SHORT else 0
    return min(
        [first, *(fitted(name, data, config) for _ in range(again))], key=lambda fit: fit.cpu_s
    )


def _restarted_peak() -> int:
    """Bytes held now, without what is kept for later; the peak counts from here."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    return _status("VmRSS")


def _status(name: str) -> int:
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(1024 * int(line.split()[1]) for line in lines if line.startswith(name))


def ratios(fits: Sequence[Fit]) -> list[tuple[Fit, float]]:
    """Each fit and what twice the data cost since the size before, in processor seconds."""
    found = []
    for model in dict.fromkeys(fit.model for fit in fits):
        own = sorted((fit for fit in fits if fit.model == model), key=lambda fit: fit.events)
        for before, after in pairwise(own):
            doublings = np.log2(after.events / before.events)
            found.append((after, (after.cpu_s / before.cpu_s) ** (1 / doublings)))
    return found


def run(size: int, models: Sequence[str], config: PipelineConfig) -> tuple[Plan, list[Fit]]:
    """What `train` chooses at one size, and the models it chooses (or `models`) fitted."""
    data = simulated(size)
    start = time.perf_counter()
    shape = Shape.of(data)
    chosen = plan(shape, config)
    print(
        f"\n{shape.events:,} events, {shape.shoppers:,} shoppers, {shape.products:,} products"
        f" (load {os.getloadavg()[0]:.1f}; looked at in {time.perf_counter() - start:.1f} s)\n"
        f"train: {chosen.says()}"
    )
    for one in chosen.verdicts:
        if not one.trained and one.model not in ON_REQUEST:
            print(f"  without {one.model}: {one.reason}")
    fits = []
    for name in models or chosen.models:
        fits.append(least(name, data, config))
        print(f"  {_line(fits[-1], cost_of(name, shape, config.models))}", flush=True)
    return chosen, fits


def _line(fit: Fit, reckoned: Cost) -> str:
    return (
        f"{fit.model:11} {fit.cpu_s:8.2f} s of processors, {fit.wall_s:8.2f} s by the clock"
        f" (reckoned {reckoned.seconds:7.2f}), {fit.peak_bytes / 1e9:6.2f} GB"
        f" (reckoned {reckoned.peak_bytes / 1e9:6.2f})"
    )


def chart(fits: Sequence[Fit]) -> str:
    """SVG of processor seconds by events, both on scales of powers."""
    rows = [asdict(fit) for fit in fits if fit.cpu_s > 0]
    spec = {
        "data": {"values": rows},
        "width": 640,
        "height": 420,
        "mark": {"type": "line", "point": True},
        "encoding": {
            "x": {"field": "events", "type": "quantitative", "scale": {"type": "log"}},
            "y": {
                "field": "cpu_s",
                "type": "quantitative",
                "scale": {"type": "log"},
                "title": "processor seconds of one fit",
            },
            "color": {"field": "model", "type": "nominal"},
        },
    }
    return str(vl_convert.vegalite_to_svg(spec))


def main(
    json_file: Path | None = None,
    smallest: float = SIZES[0],
    largest: float = SIZES[-1],
    models: Sequence[str] = (),
) -> None:
    """Prints the tables of sizes from `smallest` to `largest`.

    `models` are fitted instead of the chosen ones, where there are any. The files are written after
    every size, so that a run that is stopped leaves what it has.
    """
    config = PipelineConfig()
    print(f"{platform.machine()}, {n_threads()} threads, {memory_bytes() / 1e9:.0f} GB")
    small = simulated(5_000)
    for name in models or plan(Shape.of(small), config).models:
        fitted(name, small, config)
    fits: list[Fit] = []
    plans = {}
    for size in SIZES:
        if smallest <= size <= largest:
            chosen, own = run(size, models, config)
            fits += own
            plans[size] = chosen.to_dict()
            if json_file is not None:
                found = {"fits": [asdict(fit) for fit in fits], "plans": plans}
                json_file.write_text(json.dumps(found, indent=1), encoding="utf-8")
                json_file.with_suffix(".svg").write_text(chart(fits), encoding="utf-8")
    print("\nTwice the data cost times the processor seconds:")
    slow = []
    for fit, ratio in ratios(fits):
        bad = fit.products >= LARGE and ratio > MOST_RATIO
        slow += [fit.model] if bad else []
        mark = f"  above {MOST_RATIO}" if bad else ""
        print(f"  {fit.model:11} to {fit.events:>12,} events: {ratio:5.2f}{mark}")
    if slow:
        sys.exit(f"Twice the data cost more than {MOST_RATIO} times the time: {', '.join(slow)}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--least", type=float, default=SIZES[0], help="smallest number of events")
    parser.add_argument("--most", type=float, default=SIZES[-1], help="largest number of events")
    parser.add_argument("--models", default="", help="fit these: a,b,c")
    parser.add_argument("--json", type=Path, default=None)
    given = parser.parse_args()
    named = [one for one in given.models.split(",") if one]
    main(given.json, given.least, given.most, named)
