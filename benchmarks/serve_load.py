"""How fast the server answers: 16 keep-alive connections ask for recommendations over loopback.

    shelfwise bench serve_load [--json FILE]
    python benchmarks/serve_load.py --shop SHOP --seconds 10 --workers 1 --connections 16

Without `--shop` a simulated shop of 20,000 products is built through the command line. The server
is `shelfwise serve` as an owner runs it; the load comes from a process of its own, so that neither
measures the other's interpreter. Beside `/v1/recommend` stand, in the same run, `/healthz` (the
floor: HTTP alone), the same questions at an even 150 a second (what a shopper waits: with 16
connections that ask without a pause, the median is 16 times the time of one answer), and
`/v1/events` (one durable event a request). CPU time is the server's own from
/proc, which on a busy machine repeats better than wall time.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import random
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

SHELFWISE: Final = str(Path(sys.executable).with_name("shelfwise"))
N_PRODUCTS, N_USERS, N_EVENTS = 20_000, 20_000, 400_000
SECONDS, CONNECTIONS = 10.0, 16
RATE = 150.0
_NOW_MS: Final = 1_760_000_000_000


@dataclass(frozen=True)
class Load:
    """One kind of request, sent by all connections for a while."""

    name: str
    method: str
    path: str
    bodies: tuple[bytes, ...] = ()
    rate: float = 0.0
    """Requests a second of all connections together, evenly; 0: each asks as soon as answered."""

    def requests(self) -> list[bytes]:
        """The bytes of each request."""
        return [
            f"{self.method} {self.path} HTTP/1.1\r\nhost: localhost\r\n"
            f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n".encode()
            + body
            for body in self.bodies or (b"",)
        ]


def loads(users: list[str], items: list[str], seed: int) -> list[Load]:
    """The three kinds of request, over the shop's own shoppers and products."""
    rng = random.Random(seed)
    known = [{"user_id": rng.choice(users), "n": 10} for _ in range(400)]
    visits = [{"session_id": f"v{i}", "item_ids": rng.sample(items, 3)} for i in range(100)]
    events = [
        {"user_id": rng.choice(users), "item_id": rng.choice(items), "event_type": "view"}
        for _ in range(400)
    ]
    questions = tuple(json.dumps(question).encode() for question in [*known, *visits])
    return [
        Load("healthz", "GET", "/healthz"),
        Load("recommend", "POST", "/v1/recommend", questions),
        Load("recommend at 150/s", "POST", "/v1/recommend", questions, RATE),
        Load("events", "POST", "/v1/events", tuple(json.dumps(e).encode() for e in events)),
    ]


async def ask(
    port: int, requests: list[bytes], until: float, first: float, every: float
) -> tuple[list[float], int]:
    """Seconds of each answer on one connection, and how many were no success.

    With `every`, requests are due at `first` and so on, and waiting for a late answer counts too.
    """
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    took: list[float] = []
    errors = 0
    due = first
    while (began := time.perf_counter()) < until:
        if every:
            await asyncio.sleep(max(0.0, due - began))
            began, due = due, due + every
        writer.write(random.choice(requests))
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
        await reader.readexactly(length)
        took.append(time.perf_counter() - began)
        errors += head[9:10] != b"2"
    writer.close()
    return took, errors


async def attack(port: int, load: Load, connections: int, seconds: float) -> dict[str, Any]:
    """What all connections together saw."""
    until = time.perf_counter() + seconds
    requests = load.requests()
    every = connections / load.rate if load.rate else 0.0
    start = until - seconds
    seen = await asyncio.gather(
        *(
            ask(port, requests, until, start + every * place / connections, every)
            for place in range(connections)
        )
    )
    took = np.array([one for times, _ in seen for one in times])
    p50, p99 = np.percentile(took, [50, 99]) * 1000
    return {
        "answers": len(took),
        "answers_per_second": round(len(took) / seconds, 1),
        "p50_ms": round(float(p50), 2),
        "p99_ms": round(float(p99), 2),
        "errors": sum(errors for _, errors in seen),
    }


def client_process(port: int, load: Load, connections: int, seconds: float) -> dict[str, Any]:
    """The figures of one load, made by another Python process."""
    given = json.dumps(
        {
            "port": port,
            "load": [
                load.name,
                load.method,
                load.path,
                [body.decode() for body in load.bodies],
                load.rate,
            ],
            "connections": connections,
            "seconds": seconds,
        }
    )
    done = subprocess.run(
        [sys.executable, __file__, "--client"],
        input=given,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.exit(done.stderr)
    figures: dict[str, Any] = json.loads(done.stdout)
    return figures


def be_client() -> None:
    """The other process: one load, told on stdin, its figures on stdout."""
    given = json.load(sys.stdin)
    name, method, path, bodies, rate = given["load"]
    load = Load(name, method, path, tuple(body.encode() for body in bodies), rate)
    seen = asyncio.run(attack(given["port"], load, given["connections"], given["seconds"]))
    print(json.dumps(seen))


def cpu_seconds(pid: int) -> float:
    """CPU time a process and its children have used, from /proc."""
    own = 0.0
    for folder in Path(f"/proc/{pid}/task").iterdir():
        fields = (folder / "stat").read_text().rpartition(")")[2].split()
        own += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
        children = (folder / "children").read_text().split()
        own += sum(cpu_seconds(int(child)) for child in children)
    return own


def memory_mb(pid: int) -> float:
    """Resident memory of the process."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return round(int(line.split()[1]) / 1024, 1)
    return 0.0


def simulate(folder: Path) -> list[str]:
    """Parquet files of a shop whose shoppers have tastes, as arguments of `shelfwise ingest`."""
    rng = np.random.default_rng(0)
    group_of = rng.integers(0, 50, N_PRODUCTS)
    by_group = [np.flatnonzero(group_of == group) for group in range(50)]
    users = rng.integers(0, N_USERS, N_EVENTS)
    taste = rng.integers(0, 50, (N_USERS, 3))
    groups = np.where(
        rng.random(N_EVENTS) < 0.8,
        taste[users, rng.integers(0, 3, N_EVENTS)],
        rng.integers(0, 50, N_EVENTS),
    )
    rank = (rng.random(N_EVENTS) ** 2.5 * [len(by_group[g]) for g in groups]).astype(int)
    items = np.array([by_group[g][r] for g, r in zip(groups, rank, strict=True)])
    kinds = rng.choice(["view", "add_to_cart", "purchase"], N_EVENTS, p=[0.7, 0.15, 0.15])
    times = np.sort(rng.integers(_NOW_MS - 90 * 86_400_000, _NOW_MS, N_EVENTS))
    events = {
        "user_id": [f"u{u}" for u in users],
        "item_id": [f"p{i}" for i in items],
        "event_type": kinds.tolist(),
        "timestamp": times,
    }
    words = ["oak", "steel", "linen", "blue", "round", "large", "soft", "lamp", "bowl", "chair"]
    products = {
        "item_id": [f"p{i}" for i in range(N_PRODUCTS)],
        "title": [f"{' '.join(rng.choice(words, 3))} {g}" for g in group_of],
        "brand": [f"Brand {b}" for b in rng.integers(0, 200, N_PRODUCTS)],
        "category": [f"Home > Group {g}" for g in group_of],
        "price": np.round(rng.lognormal(3, 1, N_PRODUCTS), 2),
    }
    for name, columns in (("events", events), ("products", products)):
        pq.write_table(pa.table(columns), folder / f"{name}.parquet")
    return [
        *("--events", str(folder / "events.parquet")),
        *("--products", str(folder / "products.parquet")),
    ]


def build_shop(folder: Path) -> Path:
    """A trained shop of simulated shoppers, made by the commands an owner types."""
    shop = folder / "shop"
    for command in (["init", str(shop)], ["ingest", str(shop), *simulate(folder), "--quiet"],
                    ["train", str(shop), "--quiet"]):  # fmt: skip
        print("shelfwise", command[0], flush=True)
        subprocess.run([SHELFWISE, *command], check=True, stdout=subprocess.DEVNULL)
    return shop


def ids_of(shop: Path) -> tuple[list[str], list[str]]:
    """Some shoppers and products of the shop's data."""
    found = []
    for kind, column in (("events", "user_id"), ("products", "item_id")):
        path = next((shop / "data").glob(f"{kind}-*.parquet"))
        ids = pq.read_table(path, columns=[column]).column(column).unique().drop_null()
        found.append(ids.to_pylist()[:5_000])
    return found[0], found[1]


def serve(shop: Path, workers: int) -> tuple[subprocess.Popen[str], int]:
    """The running server and its port, once it is ready."""
    process = subprocess.Popen(
        [SHELFWISE, "serve", str(shop), "--port", "0", "--workers", str(workers)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    said = process.stderr.readline() if process.stderr else ""
    try:
        port = int(json.loads(said)["url"].rpartition(":")[2])
    except (ValueError, KeyError):
        sys.exit(said + process.communicate()[1])
    ready = Load("readyz", "GET", "/readyz")
    while process.poll() is None:
        try:
            if not asyncio.run(attack(port, ready, 1, 0.05))["errors"]:
                return process, port
        except (OSError, asyncio.IncompleteReadError):
            time.sleep(0.2)
    sys.exit(process.communicate()[1])


def measure(shop: Path, workers: int, connections: int, seconds: float) -> dict[str, Any]:
    """The figures of every load, the server's CPU time among them."""
    process, port = serve(shop, workers)
    figures: dict[str, Any] = {
        "machine": f"{platform.machine()}, {os.cpu_count()} processors",
        "load_average": os.getloadavg()[0],
        "workers": workers,
        "connections": connections,
        "seconds_each": seconds,
    }
    try:
        kinds = loads(*ids_of(shop), seed=0)
        for load in kinds:
            client_process(port, load, connections, 1.0)
        for load in kinds:
            before = cpu_seconds(process.pid)
            seen = client_process(port, load, connections, seconds)
            used = cpu_seconds(process.pid) - before
            seen["server_cpu_us"] = round(used / max(1, seen["answers"]) * 1e6)
            figures[load.name] = seen
            print(f"{load.name:20} {seen}", flush=True)
        figures["server_memory_mb"] = memory_mb(process.pid)
    finally:
        process.terminate()
        process.wait(30)
    return figures


def main(
    json_file: Path | None = None,
    shop: Path | None = None,
    workers: int = 1,
    connections: int = CONNECTIONS,
    seconds: float = SECONDS,
) -> None:
    """Measures the shop given, or a simulated one, and prints the figures."""
    with tempfile.TemporaryDirectory(prefix="shelfwise-load-") as folder:
        measured = shop or build_shop(Path(folder))
        figures = measure(measured, workers, connections, seconds)
    text = json.dumps(figures, indent=2)
    print(text)
    if json_file is not None:
        json_file.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--client", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--shop", type=Path, default=None)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--connections", type=int, default=CONNECTIONS)
    parser.add_argument("--seconds", type=float, default=SECONDS)
    parser.add_argument("--json", type=Path, default=None)
    given = parser.parse_args()
    if given.client:
        be_client()
    else:
        main(given.json, given.shop, given.workers, given.connections, given.seconds)
