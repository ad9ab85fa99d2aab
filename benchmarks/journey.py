"""Real shops from raw files to recommendations, each step timed as its user runs it.

    SHELFWISE_DATA=/path/to/public/data shelfwise bench journey [--json FILE]

Every step is a `shelfwise` command in a process of its own; wall time and peak memory are the
operating system's. Data: UCI Online Retail, Amazon 2018 Gift Cards, Amazon 2014 Beauty as used by
the sequential benchmarks (one shopper a line). Nothing is tuned on a test item.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SHELFWISE = [str(Path(sys.executable).with_name("shelfwise"))]


@dataclass(frozen=True)
class Journey:
    """One shop: which files go in, and how it is tested."""

    name: str
    ingest: tuple[str, ...]
    """Arguments of `shelfwise ingest`; `{data}` is the data folder."""
    protocol: str


JOURNEYS = (
    Journey(
        "online_retail",
        (
            "--events",
            "{data}/uci_online_retail/online_retail.csv.zst",
            "--format",
            "online-retail",
        ),
        "temporal",
    ),
    Journey(
        "gift_cards",
        (
            "--events",
            "{data}/amazon2018/Gift_Cards/Gift_Cards_5.json.gz",
            "--products",
            "{data}/amazon2018/Gift_Cards/meta_Gift_Cards.json.gz",
            "--format",
            "amazon",
        ),
        "leave-one-out",
    ),
    Journey(
        "beauty",
        (
            "--events",
            "{data}/seq/Beauty.txt.zst",
            "--products",
            "{data}/seq/Beauty_products.csv.zst",
        ),
        "leave-one-out",
    ),
)


def main(json_file: Path | None = None, only: str | None = None) -> None:
    """Runs the journeys and prints each step's time and memory, then the leaderboard."""
    data = os.environ.get("SHELFWISE_DATA")
    if not data:
        sys.exit("Set SHELFWISE_DATA to the folder of the public data sets.")
    print(f"{platform.machine()}, {os.cpu_count()} processors, Python {platform.python_version()}")
    found = {}
    for journey in JOURNEYS:
        if only in {None, journey.name}:
            found[journey.name] = run(journey, data)
    if json_file is not None:
        json_file.write_text(json.dumps(found, indent=1), encoding="utf-8")


def run(journey: Journey, data: str) -> dict[str, Any]:
    """The steps of one journey, each with its seconds and peak megabytes, and its report."""
    with tempfile.TemporaryDirectory() as folder:
        shop, report = str(Path(folder) / "shop"), str(Path(folder) / "report.json")
        files = [part.format(data=data) for part in journey.ingest]
        steps = {
            "init": ["init", shop],
            "ingest": ["ingest", shop, *files, "--quiet"],
            "train": ["train", shop, "--quiet"],
            "evaluate": [
                "evaluate", shop, "--protocol", journey.protocol, "--json", report, "--quiet",
            ],
        }  # fmt: skip
        print(f"\n== {journey.name} ({journey.protocol})")
        measured = {name: _step(name, arguments) for name, arguments in steps.items()}
        who = _some_shopper(shop)
        measured["recommend"] = _step("recommend", ["recommend", shop, "--user", who])
        total = sum(step["seconds"] for step in measured.values())
        print(f"{'total':10} {total:8.1f} s")
        return {
            "steps": measured,
            "seconds": total,
            "ingest": json.loads((Path(shop) / "reports/ingest.json").read_text("utf-8")),
            "evaluation": json.loads(Path(report).read_text("utf-8")),
        }


def _step(name: str, arguments: list[str]) -> dict[str, float]:
    start = time.perf_counter()
    process = subprocess.Popen(SHELFWISE + arguments)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.perf_counter() - start
    if process.returncode:
        sys.exit(f"shelfwise {' '.join(arguments)} failed with {process.returncode}")
    megabytes = usage.ru_maxrss / 1024
    print(f"{name:10} {seconds:8.1f} s {megabytes:8.0f} MB", flush=True)
    return {"seconds": seconds, "peak_megabytes": megabytes}


def _some_shopper(shop: str) -> str:
    from shelfwise import Shop  # noqa: PLC0415 - the commands above must not profit from its import

    return Shop.open(shop).live().some_shopper() or ""


if __name__ == "__main__":
    main(only=sys.argv[1] if len(sys.argv) > 1 else None)
