"""How fast raw events become clean ones, beside a bare read of the same file by Arrow.

    shelfwise bench ingest_speed [--json FILE]

A synthetic shop's events (500,000 shoppers, 50,000 products, seven columns, in order of time) are
written once as Parquet and once as CSV. Each is read through `open_source` with all cleaning, in a
process of its own, three times; reported are events a second (median and range), processor
seconds, and the peak memory of the process. The peer is the physical limit: the same file read by
`pyarrow` alone, nothing cleaned. Last, the rows are deduplicated against an empty shop.

    SHELFWISE_BENCH_EVENTS    how many events (2,000,000)
"""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from shelfwise.core.columns import EVENTS_SCHEMA
from shelfwise.ingest import open_source
from shelfwise.ingest.duplicates import dedupe_events

REPEATS = 3
PART = 1_000_000
START_MS = 1_700_000_000_000
NOW_MS = 1_750_000_000_000
TYPES = np.array(["view", "click", "add_to_cart", "purchase"])


@dataclass(frozen=True)
class Run:
    """One pass over one file."""

    events: int
    seconds: float
    cpu_seconds: float
    peak_mb: float


@dataclass(frozen=True)
class Result:
    """The passes of one kind over one file."""

    what: str
    events_per_second: int
    slowest: int
    fastest: int
    events_per_cpu_second: int
    peak_mb: float


def main(json_file: Path | None) -> None:
    """Measure, print, and write the figures to `json_file` if it is given."""
    events = int(os.environ.get("SHELFWISE_BENCH_EVENTS", "2000000"))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        files = {kind: _write(folder / f"events.{kind}", events) for kind in ("parquet", "csv")}
        results = [
            _measure(f"{kind}: {label}", job, path, folder)
            for kind, path in files.items()
            for label, job in (("read by pyarrow alone", "bare"), ("read and cleaned", "clean"))
        ]
        _run("stage", files["parquet"], folder)
        results.append(_measure("parquet: deduplicated", "dedupe", files["parquet"], folder))
    _show(events, results)
    if json_file is not None:
        found = {"events": events, "cores": os.cpu_count(), "results": [asdict(r) for r in results]}
        json_file.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


def _write(path: Path, events: int) -> Path:
    rng = np.random.default_rng(0)
    writer: pq.ParquetWriter | pacsv.CSVWriter | None = None
    for first in range(0, events, PART):
        table = _part(rng, first, min(PART, events - first), events)
        if writer is None:
            kind = pq.ParquetWriter if path.suffix == ".parquet" else pacsv.CSVWriter
            writer = kind(path, table.schema)
        writer.write_table(table)
    if writer is not None:
        writer.close()
    return path


def _part(rng: np.random.Generator, first: int, rows: int, of: int) -> pa.Table:
    """Rows `first` to `first + rows` of 90 days in which `of` events happen at an even pace."""
    times = START_MS + (np.arange(first, first + rows) * 7_776_000_000 // of)
    return pa.table(
        {
            "user_id": np.char.add("u", rng.integers(0, 500_000, rows).astype(str)),
            "item_id": np.char.add("p", (rng.zipf(1.3, rows) % 50_000).astype(str)),
            "event_type": TYPES[rng.choice(4, rows, p=[0.7, 0.15, 0.1, 0.05])],
            "timestamp": times,
            "price": np.round(rng.gamma(2.0, 20.0, rows), 2),
            "quantity": rng.integers(1, 4, rows),
            "session_id": np.char.add("s", rng.integers(0, 2_000_000, rows).astype(str)),
        }
    )


def _measure(what: str, job: str, path: Path, folder: Path) -> Result:
    runs = [_run(job, path, folder) for _ in range(REPEATS)]
    rates = sorted(round(run.events / run.seconds) for run in runs)
    return Result(
        what,
        round(statistics.median(rates)),
        rates[0],
        rates[-1],
        round(statistics.median(run.events / run.cpu_seconds for run in runs)),
        max(run.peak_mb for run in runs),
    )


def _run(job: str, path: Path, folder: Path) -> Run:
    """One pass in a process of its own, so that its peak memory is its own."""
    command = [sys.executable, __file__, job, str(path), str(folder)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return Run(**json.loads(done.stdout))


def _pass(job: str, path: Path, folder: Path) -> Run:
    started, cpu_started = time.perf_counter(), time.process_time()
    events = {"bare": _bare, "clean": _clean, "stage": _stage, "dedupe": _dedupe}[job](path, folder)
    return Run(
        events,
        time.perf_counter() - started,
        time.process_time() - cpu_started,
        _peak_mb(),
    )


def _peak_mb() -> float:
    """Peak memory of this process (`ru_maxrss` would count the parent it was forked from)."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError("the kernel does not tell the peak memory (VmHWM) of a process")


def _bare(path: Path, folder: Path) -> int:
    del folder
    if path.suffix == ".parquet":
        return sum(batch.num_rows for batch in pq.ParquetFile(path).iter_batches(1 << 18))
    return sum(batch.num_rows for batch in pacsv.open_csv(path))


def _clean(path: Path, folder: Path) -> int:
    del folder
    source = open_source(path, now_ms=NOW_MS)
    return sum(batch.events.num_rows for batch in source.batches() if batch.events is not None)


def _stage(path: Path, folder: Path) -> int:
    rows = 0
    with pq.ParquetWriter(folder / "staged.parquet", EVENTS_SCHEMA, compression="zstd") as writer:
        for batch in open_source(path, now_ms=NOW_MS).batches():
            if batch.events is not None:
                writer.write_table(batch.events)
                rows += batch.events.num_rows
    return rows


def _dedupe(path: Path, folder: Path) -> int:
    del path
    counts = dedupe_events(
        [folder / "staged.parquet"], [], folder / "new.parquet", folder / "scratch"
    )
    return counts.read


def _show(events: int, results: list[Result]) -> None:
    print(f"{events:,} events; {os.cpu_count()} cores; {platform.machine()}; {REPEATS} runs each")
    print(f"{'':38}{'events/s':>12}{'range':>26}{'per CPU s':>12}{'peak MB':>9}")
    for result in results:
        between = f"{result.slowest:,} to {result.fastest:,}"
        print(
            f"{result.what:38}{result.events_per_second:>12,}{between:>26}"
            f"{result.events_per_cpu_second:>12,}{result.peak_mb:>9,.0f}"
        )


if __name__ == "__main__":
    done = _pass(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))
    print(json.dumps(asdict(done)))
