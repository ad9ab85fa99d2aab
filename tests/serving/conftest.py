"""The API of a small shop, asked through ASGI without a socket."""

from __future__ import annotations

import asyncio
import csv
import importlib.util
import random
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from shelfwise.app import Shop
from shelfwise.serving.app import create_app
from shelfwise.serving.live import Live
from shelfwise.store.event_log import EventLog

NOW_MS = 1_780_000_000_000


class Client:
    """Asks a running application; its event loop turns only while it is asked."""

    def __init__(self, runner: asyncio.Runner, app: Starlette) -> None:
        self.runner = runner
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        self.http = httpx.AsyncClient(transport=transport, base_url="http://shop")

    def ask(self, method: str, path: str, json: Any = None, **more: Any) -> httpx.Response:
        """The answer to one request."""
        if json is not None:
            more["json"] = json
        return self.runner.run(self.http.request(method, path, **more))

    def post(self, path: str, json: Any = None, **more: Any) -> httpx.Response:
        """The answer to a POST."""
        return self.ask("POST", path, json, **more)

    def post_bytes(self, path: str, body: bytes) -> httpx.Response:
        """The answer to a POST of exactly these bytes, as JSON."""
        return self.post(path, content=body, headers={"content-type": "application/json"})

    def get(self, path: str) -> httpx.Response:
        """The answer to a GET."""
        return self.ask("GET", path)

    def let_pass(self, seconds: float) -> None:
        """Nothing is asked for a while; what the application does by itself goes on."""
        self.runner.run(asyncio.sleep(seconds))

    def items(self, **question: Any) -> list[str]:
        """The ids recommended."""
        answer = self.post("/v1/recommend", question)
        assert answer.status_code == 200, answer.text
        return [item["item_id"] for item in answer.json()["items"]]


@contextmanager
def running(app: Starlette) -> Iterator[Client]:
    """A client of the application, which is started before and stopped after."""
    with asyncio.Runner() as runner:
        lifespan = app.router.lifespan_context(app)
        runner.run(lifespan.__aenter__())
        client = Client(runner, app)
        yield client
        runner.run(client.http.aclose())
        runner.run(lifespan.__aexit__(None, None, None))


@pytest.fixture(scope="session")
def small_shop() -> ModuleType:
    """The module with `SmallShop`; tests are no package, so it is loaded by its path."""
    path = Path(__file__).with_name("small_shop.py")
    spec = importlib.util.spec_from_file_location("small_shop", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["small_shop"] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def log_path(tmp_path: Path) -> Path:
    """Where the shop's log is."""
    return tmp_path / "log" / "events.sqlite"


@pytest.fixture
def live(small_shop: ModuleType) -> Any:
    """A `SmallShop` that sells a, b and c."""
    return small_shop.SmallShop()


@pytest.fixture
def app(live: Live, log_path: Path) -> Starlette:
    """The application of the small shop; its clock stands still."""
    return create_app(live, EventLog(log_path), now_ms=lambda: NOW_MS)


@pytest.fixture
def client(app: Starlette) -> Iterator[Client]:
    """A client of the running application."""
    with running(app) as started:
        yield started


@pytest.fixture
def start() -> Callable[[Starlette], AbstractContextManager[Client]]:
    """`running`, for tests that make their own application."""
    return running


@pytest.fixture
def two_workers(small_shop: ModuleType, log_path: Path) -> Iterator[tuple[Client, Client]]:
    """Clients of two applications over one log, as two workers are."""
    first = create_app(small_shop.SmallShop(), EventLog(log_path), now_ms=lambda: NOW_MS)
    second = create_app(small_shop.SmallShop(), EventLog(log_path), now_ms=lambda: NOW_MS)
    with running(first) as one, running(second) as two:
        yield one, two


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A shop of 30 products in three groups, whose 60 shoppers each keep to one group."""
    folder = tmp_path_factory.mktemp("real")
    rng = random.Random(0)
    with (folder / "events.csv").open("w") as file:
        rows = csv.writer(file)
        rows.writerow(["user_id", "item_id", "event_type", "timestamp"])
        for user in range(60):
            for step in range(8):
                item = user % 3 * 10 + rng.randrange(10)
                time_ms = 1_760_000_000_000 + user * 1_000 + step * 3_600_000
                rows.writerow([f"u{user}", f"p{item}", "view", time_ms])
    with (folder / "products.csv").open("w") as file:
        rows = csv.writer(file)
        rows.writerow(["item_id", "title", "brand", "category", "price"])
        for item in range(30):
            group = item // 10
            rows.writerow([f"p{item}", f"Thing {item}", f"B{group}", f"Home > G{group}", item + 1])
    shop = Shop.create(folder / "shop")
    shop.ingest(events=folder / "events.csv", products=folder / "products.csv")
    shop.train()
    return shop.root
