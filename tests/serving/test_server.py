"""The server as a process of its own, over a real socket."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from shelfwise.core.errors import NotTrainedError, ShelfwiseError
from shelfwise.core.event import Event
from shelfwise.serving.server import Listen, bind, serve, server_environment
from shelfwise.store.event_log import EventLog

PROGRAM = """
import sys
from shelfwise.serving.server import SHOP_VARIABLE, Listen, become, bind
bound = bind(Listen(port=0))
print(bound.getsockname()[1], flush=True)
become("small_shop:create", bound, int(sys.argv[2]), {SHOP_VARIABLE: sys.argv[1]})
"""
VIEW = {"user_id": "u", "item_id": "a", "event_type": "view"}


@dataclass
class Running:
    """A server that was started."""

    process: subprocess.Popen[str]
    url: str


@contextmanager
def server(shop: Path, workers: int = 1) -> Iterator[Running]:
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parent)}
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(shop), str(workers)],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        url = f"http://127.0.0.1:{int(process.stdout.readline())}"
        _wait_until_ready(url)
        yield Running(process, url)
    finally:
        process.kill()
        process.communicate()


def _wait_until_ready(url: str) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        try:
            if httpx.get(f"{url}/readyz").status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.1)
    raise TimeoutError(url)


def raw(url: str, request: bytes) -> bytes:
    """What comes back for these very bytes, until the server closes or waits for more."""
    host, port = url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=3) as connection:
        connection.sendall(request)
        return connection.recv(65_536)


def test_a_port_in_use_is_named_with_the_way_out() -> None:
    first = bind(Listen(port=0))
    port = first.getsockname()[1]
    with pytest.raises(ShelfwiseError) as caught:
        bind(Listen(port=port))
    first.close()
    assert str(caught.value) == f"Port {port} is in use. Choose another with --port."


@pytest.mark.parametrize("host", ["no such host.invalid", "203.0.113.1", "x" * 300])
def test_an_address_that_is_not_ours_is_named(host: str) -> None:
    with pytest.raises(ShelfwiseError, match="--host"):
        bind(Listen(host=host, port=0))


def test_each_numeric_library_gets_one_thread_unless_told_otherwise() -> None:
    environment = server_environment({"OMP_NUM_THREADS": "3", "HOME": "/h"})
    assert environment["OPENBLAS_NUM_THREADS"] == "1"
    assert environment["OMP_NUM_THREADS"] == "3"
    assert environment["HOME"] == "/h"


def test_a_shop_that_is_not_trained_is_not_served(tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    with pytest.raises(NotTrainedError):
        serve(tmp_path, Listen(port=0))


@pytest.mark.slow
def test_the_server_answers_over_a_socket_and_stops_when_told(tmp_path: Path) -> None:
    with server(tmp_path) as running, httpx.Client(base_url=running.url) as client:
        assert client.post("/v1/events", json=VIEW).status_code == 202
        answer = client.post("/v1/recommend", json={"user_id": "u"}).json()
        assert [item["item_id"] for item in answer["items"]] == ["b", "c", "a"]
        assert client.get("/v1/threads").status_code == 404
        for request in (
            b"\xff\xfe\x00 nonsense\r\n\r\n",
            b"GET /v1/products/\xff\xfe HTTP/1.1\r\nhost: x\r\n\r\n",
            b"GET /v1/products/%ff%00 HTTP/1.1\r\nhost: x\r\n\r\n",
            b"POST /v1/events HTTP/1.1\r\nhost: x\r\ncontent-length: -5\r\n\r\n{}",
            b"POST /v1/events HTTP/1.1\r\nhost: x\r\ncontent-length: 9999999999\r\n\r\n{}",
        ):
            assert re.match(rb"HTTP/1.1 4\d\d ", raw(running.url, request)), request
        long = b'{"user_id": "' + b"x" * (2 << 20) + b'"}'
        headers = {"content-type": "application/json"}
        assert client.post("/v1/events", content=long, headers=headers).status_code == 413
        assert client.get("/healthz").status_code == 200
        client.close()
        running.process.send_signal(signal.SIGTERM)
        _, said = running.process.communicate(timeout=20)
        assert running.process.returncode == 0
        lines = [json.loads(line) for line in said.splitlines()]
        assert [line["event"] for line in lines] == ["starting", "stopped"]


@pytest.mark.slow
def test_two_workers_share_one_log_and_stop_with_their_parent(tmp_path: Path) -> None:
    with server(tmp_path, workers=2) as running:
        for number in range(40):
            view = VIEW | {"user_id": f"u{number}"}
            assert httpx.post(f"{running.url}/v1/events", json=view).status_code == 202
        time.sleep(0.5)
        for _ in range(10):
            answer = httpx.post(f"{running.url}/v1/recommend", json={"user_id": "u0"}).json()
            assert answer["items"][0]["item_id"] != "a"
            assert answer["items"][-1]["score"] == 40.0
        text = httpx.get(f"{running.url}/metrics").text
        assert 'shelfwise_events_total{outcome="accepted"} 40.0' in text
        running.process.kill()
        running.process.wait(10)
        until = time.monotonic() + 10
        while time.monotonic() < until:
            try:
                httpx.get(f"{running.url}/healthz", timeout=1)
            except httpx.TransportError:
                break
            time.sleep(0.2)
        else:
            pytest.fail("The workers outlived their parent.")
    with EventLog(tmp_path / "log" / "events.sqlite") as log:
        users = [r.content.user_id for r in log.read(0) if isinstance(r.content, Event)]
    assert sorted(map(str, users)) == sorted(f"u{number}" for number in range(40))
