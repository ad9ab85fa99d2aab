"""Acknowledged events survive `kill -9`: the server is killed again and again while clients post.

    shelfwise bench kill_events [--json FILE]
    python benchmarks/kill_events.py --cycles 20

Clients post batches of events, each with an id of its own, and send a batch again until it is
acknowledged. The server process is killed at a random moment, the log is read, and the server is
started anew. Every acknowledged event must be in the log exactly once, and none may be there twice.
The server is the real one (uvicorn, routes, event log) over a shop that recommends nothing.

A kill shows that nothing acknowledged waits in the process; that the system's cache reaches the
disk is SQLite's `synchronous=FULL` (an fsync each commit), which only a power cut would test.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from starlette.applications import Starlette

from shelfwise.core.event import Event, Product
from shelfwise.core.question import Question
from shelfwise.core.slate import Slate
from shelfwise.serving.app import create_app
from shelfwise.serving.server import SHOP_VARIABLE, Listen, bind, server_environment
from shelfwise.store.event_log import EventLog
from shelfwise.store.log_record import Record

CYCLES = 200
CLIENTS = 8
LONGEST_LIFE = 0.3
"""Seconds the server lives at most after it has acknowledged something."""


class EmptyShop:
    """A shop without products, so that the server starts in a moment."""

    version = "empty"
    offset = 0

    def recommend(self, question: Question, now_ms: int) -> Slate:
        """No products."""
        del question
        return Slate(str(now_ms), (), self.version, fallback=True)

    def recommend_many(self, questions: Sequence[Question], now_ms: int) -> list[Slate]:
        """No products."""
        return [self.recommend(question, now_ms) for question in questions]

    def apply(self, records: Sequence[Record]) -> None:
        """Keeps nothing."""

    def take_over(self, newer: Self) -> None:
        """Nothing to take over."""

    def product(self, item_id: str) -> Product | None:
        """None, whatever the id."""
        del item_id
        return None

    def user(self, user_id: str) -> dict[str, Any] | None:
        """None, whoever it is."""
        del user_id
        return None

    def ready(self) -> tuple[bool, str]:
        """Always."""
        return True, ""


def create() -> Starlette:
    """The application that the server process loads."""
    log = EventLog(Path(os.environ[SHOP_VARIABLE]) / "events.sqlite")
    return create_app(EmptyShop(), log)


@dataclass
class Clients:
    """Threads that post until told to stop, and what the server has acknowledged to them."""

    port: int
    acknowledged: list[str] = field(default_factory=list)
    resent: int = 0
    refused: int = 0
    """Answers other than 202; there must be none."""
    stop: threading.Event = field(default_factory=threading.Event)

    def run(self, name: str, seed: int) -> None:
        """Posts batches of one to five events, each until it is acknowledged."""
        rng = random.Random(seed)
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        number = 0
        while not self.stop.is_set():
            ids = [f"{name}-{number + i}" for i in range(rng.randint(1, 5))]
            number += len(ids)
            events = [
                {"user_id": name, "item_id": one, "event_type": "view", "event_id": one}
                for one in ids
            ]
            if self._post(connection, json.dumps({"events": events})):
                self.acknowledged += ids

    def _post(self, connection: http.client.HTTPConnection, body: str) -> bool:
        while not self.stop.is_set():
            try:
                headers = {"content-type": "application/json"}
                connection.request("POST", "/v1/events", body, headers)
                answer = connection.getresponse()
                answer.read()
            except (OSError, http.client.HTTPException):
                connection.close()
                self.resent += 1
                time.sleep(0.02)
                continue
            if answer.status == 202:
                return True
            self.refused += 1
        return False


@dataclass
class Stored:
    """What the log has held so far, read on from where it was left."""

    path: Path
    offset: int = 0
    times: Counter[str] = field(default_factory=Counter)

    def read(self) -> None:
        """Reads what is new."""
        with EventLog(self.path) as log:
            for records in log.tail(self.offset):
                self.offset = records[-1].offset
                self.times.update(
                    str(record.content.item_id)
                    for record in records
                    if isinstance(record.content, Event)
                )


def start(bound: socket.socket, folder: Path) -> subprocess.Popen[bytes]:
    """The server as a process of its own, on a socket that outlives it."""
    here = Path(__file__)
    environment = server_environment(os.environ) | {
        SHOP_VARIABLE: str(folder),
        "PYTHONPATH": str(here.parent),
    }
    descriptor = bound.fileno()
    return subprocess.Popen(
        [sys.executable, "-m", "shelfwise.serving", f"{here.stem}:create", str(descriptor), "1"],
        env=environment,
        pass_fds=[descriptor],
        stderr=subprocess.DEVNULL,
    )


def measure(cycles: int, folder: Path) -> dict[str, Any]:
    """Counts of acknowledged, lost and duplicated events over so many kills."""
    rng = random.Random(0)
    bound = bind(Listen(port=0))
    clients = Clients(bound.getsockname()[1])
    threads = [
        threading.Thread(target=clients.run, args=(f"client{i}", i), daemon=True)
        for i in range(CLIENTS)
    ]
    stored = Stored(folder / "events.sqlite")
    checked = lost = 0
    began = time.monotonic()
    process = start(bound, folder)
    for thread in threads:
        thread.start()
    for cycle in range(cycles):
        before = len(clients.acknowledged)
        while len(clients.acknowledged) == before:
            if process.poll() is not None:
                sys.exit(f"The server ended by itself with status {process.returncode}.")
            time.sleep(0.002)
        time.sleep(rng.uniform(0, LONGEST_LIFE))
        process.send_signal(signal.SIGKILL)
        process.wait()
        acknowledged = clients.acknowledged[checked:]
        stored.read()
        lost += sum(stored.times[one] == 0 for one in acknowledged)
        checked += len(acknowledged)
        if cycle % 20 == 19:
            print(f"{cycle + 1} kills: {checked} acknowledged, {lost} lost", flush=True)
        process = start(bound, folder)
    clients.stop.set()
    for thread in threads:
        thread.join()
    process.kill()
    process.wait()
    bound.close()
    stored.read()
    return {
        "kills": cycles,
        "clients": CLIENTS,
        "acknowledged": len(clients.acknowledged),
        "lost": lost + sum(stored.times[one] == 0 for one in clients.acknowledged[checked:]),
        "duplicated": sum(times > 1 for times in stored.times.values()),
        "resent_requests": clients.resent,
        "refused_requests": clients.refused,
        "seconds": round(time.monotonic() - began, 1),
    }


def main(json_file: Path | None = None, cycles: int = CYCLES) -> None:
    """Measures and prints; leaves with status 1 when an event was lost or doubled."""
    with tempfile.TemporaryDirectory(prefix="shelfwise-kill-") as folder:
        figures = measure(cycles, Path(folder))
    text = json.dumps(figures, indent=2)
    print(text)
    if json_file is not None:
        json_file.write_text(text + "\n", encoding="utf-8")
    if figures["lost"] or figures["duplicated"] or figures["refused_requests"]:
        sys.exit("Events were lost, doubled or refused.")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cycles", type=int, default=CYCLES)
    parser.add_argument("--json", type=Path, default=None)
    given = parser.parse_args()
    main(given.json, given.cycles)
