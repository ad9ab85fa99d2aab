"""A small trained shop, hostile where it can be, and a browser without scripts that reads it."""

from __future__ import annotations

import asyncio
import csv
import json
import random
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from shelfwise.cli import site
from shelfwise.serving.server import SHOP_VARIABLE

HOSTILE = '<script>alert("x")</script>'
"""A shopper's id."""
ODD_ID = 'a/b?c="<i>&d.json'
"""The id of a product of the first group."""


class Browser:
    """Asks the pages as a browser would, keeping cookies."""

    def __init__(self, runner: asyncio.Runner, app: Starlette) -> None:
        self._runner = runner
        transport = httpx.ASGITransport(app)
        self.http = httpx.AsyncClient(transport=transport, base_url="http://shop")

    def get(self, path: str, **headers: str) -> httpx.Response:
        """The answer to a GET."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self._runner.run(self.http.get(path, headers=named))

    def json(self, path: str) -> Any:
        """What the page says as JSON."""
        answer = self.get(path)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def tell(self, **event: Any) -> None:
        """Posts one event, as the pages' script does."""
        answer = self._runner.run(self.http.post("/v1/events", json=event))
        assert answer.json()["accepted"] == 1, answer.text

    def put_product(self, item_id: str, fields: dict[str, Any]) -> None:
        """Replaces a product, as the shop's own system does."""
        answer = self._runner.run(self.http.put(f"/v1/products/{item_id}", json=fields))
        assert answer.status_code == 200, answer.text


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A shop of 30 products in three groups, whose 60 shoppers each keep to one group."""
    from shelfwise.app import Shop

    folder = tmp_path_factory.mktemp("console")
    rng = random.Random(0)
    ids = [ODD_ID if item == 2 else f"p{item}" for item in range(30)]
    with (folder / "events.csv").open("w", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(["user_id", "item_id", "event_type", "timestamp"])
        for user in range(60):
            name = HOSTILE if user == 1 else f"u{user}"
            for step in range(8):
                item = ids[user % 3 * 10 + rng.randrange(10)]
                rows.writerow([name, item, "view", 1_760_000_000_000 + user * 1_000 + step * 3.6e6])
        rows.writerow(["u1", "", "view", 1_760_000_000_000])
    with (folder / "products.csv").open("w", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(["item_id", "title", "brand", "category", "price", "availability"])
        for at, item_id in enumerate(ids):
            stock = "out_of_stock" if at == 3 else "in_stock"
            group = at // 10
            row = [item_id, f"Thing {at}", f"B{group}", f"Home > G{group}", at + 1, stock]
            rows.writerow(row)
    with (folder / "reviews.jsonl").open("w", encoding="utf-8") as file:
        for n in range(8):
            review = {"item_id": "p5", "user_id": f"r{n}", "rating": 5}
            text = f"I love the quality. It is number {n} of mine."
            file.write(json.dumps(review | {"text": text}) + "\n")
    shop = Shop.create(folder / "shop")
    shop.ingest(
        events=folder / "events.csv",
        products=folder / "products.csv",
        reviews=folder / "reviews.jsonl",
    )
    few = Shop.open(shop.root, ['train.models=["popular","item_knn","transition"]'])
    few.train()
    few.evaluate("temporal")
    return shop.root


@pytest.fixture
def shop(trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the trained shop, named to the server."""
    copy = tmp_path / "shop"
    shutil.copytree(trained, copy)
    monkeypatch.setenv(SHOP_VARIABLE, str(copy))
    return copy


@pytest.fixture
def browser(shop: Path) -> Iterator[Browser]:
    """A browser of the whole site, API and pages, as `shelfwise serve` runs it."""
    with asyncio.Runner() as runner:
        app = site()
        lifespan = app.router.lifespan_context(app)
        runner.run(lifespan.__aenter__())
        started = Browser(runner, app)
        yield started
        runner.run(started.http.aclose())
        runner.run(lifespan.__aexit__(None, None, None))
