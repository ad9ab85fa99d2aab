"""A newly promoted version answers without a restart; one that cannot be opened changes nothing."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from starlette.applications import Starlette

from shelfwise.core.errors import StorageError
from shelfwise.serving import reload
from shelfwise.serving.app import create_app
from shelfwise.serving.live import Live
from shelfwise.serving.reload import Versions
from shelfwise.store.event_log import EventLog

Start = Callable[[Starlette], AbstractContextManager[Any]]


class Registry:
    """What is promoted, and the versions that can be opened."""

    def __init__(self) -> None:
        self.current: tuple[str, int] | None = None
        self.shops: dict[str, Any] = {}
        self.opened: list[str] = []

    def promote(self, version: str) -> None:
        """Makes the version current."""
        self.current = (version, 0 if self.current is None else self.current[1] + 1)

    def load(self, version: str) -> Live:
        """The version; only those with a shop are whole."""
        self.opened.append(version)
        if version not in self.shops:
            raise StorageError(f"Model version {version} is damaged.", remedy="Train again.")
        shop: Live = self.shops[version]
        return shop

    def versions(self) -> Versions:
        """Where the server finds them."""
        return Versions(lambda: self.current, self.load)


@pytest.fixture
def registry() -> Registry:
    return Registry()


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """The pointer is looked at often."""
    monkeypatch.setattr(reload, "EVERY_SECONDS", 0.01)


@pytest.fixture
def app(live: Live, log_path: Path, registry: Registry) -> Starlette:
    return create_app(live, EventLog(log_path), versions=registry.versions())


def other(small_shop: ModuleType, version: str = "small-2", **known: Any) -> Any:
    shop = small_shop.SmallShop(**known)
    shop.version = version
    return shop


def test_a_promoted_version_answers_soon(
    app: Starlette, start: Start, registry: Registry, small_shop: ModuleType
) -> None:
    registry.shops["small-2"] = other(small_shop, items=("x", "y"))
    with start(app) as client:
        assert client.post("/v1/recommend", {"n": 5}).json()["model"] == "small-1"
        registry.promote("small-2")
        client.let_pass(0.2)
        answer = client.post("/v1/recommend", {"n": 5}).json()
        assert answer["model"] == "small-2"
        assert {item["item_id"] for item in answer["items"]} == {"x", "y"}
        assert client.get("/readyz").json() == {"status": "ready", "model": "small-2"}


def test_the_new_version_knows_every_event_of_before_and_after(
    app: Starlette, start: Start, registry: Registry, small_shop: ModuleType
) -> None:
    newer = registry.shops["small-2"] = other(small_shop)
    with start(app) as client:
        view = {"user_id": "u", "item_id": "b", "event_type": "view"}
        for _ in range(3):
            client.post("/v1/events", view)
        registry.promote("small-2")
        client.let_pass(0.2)
        client.post("/v1/events", view)
        assert len(client.get("/v1/users/u").json()["items"]) == 4
        assert newer.applied == [1, 2, 3, 4]


def test_a_version_that_cannot_be_opened_changes_nothing_and_readyz_says_so(
    app: Starlette, start: Start, registry: Registry, small_shop: ModuleType
) -> None:
    with start(app) as client:
        registry.promote("broken")
        client.let_pass(0.2)
        ready = client.get("/readyz")
        assert ready.status_code == 200
        assert ready.json()["model"] == "small-1"
        assert "broken" in ready.json()["trouble"]
        assert registry.opened == ["broken"], "it is not tried again until promoted again"
        registry.shops["broken"] = other(small_shop, "broken")
        registry.promote("broken")
        client.let_pass(0.2)
        assert client.get("/readyz").json()["model"] == "broken"


def test_a_bug_in_opening_a_version_does_not_stop_the_watch(
    app: Starlette, start: Start, registry: Registry, small_shop: ModuleType
) -> None:
    class Faulty(small_shop.SmallShop):  # type: ignore[name-defined]
        """A shop whose first answer fails."""

        version = "faulty"

        def recommend(self, *_: Any) -> Any:
            raise ZeroDivisionError

    registry.shops |= {"faulty": Faulty(), "small-3": other(small_shop, "small-3")}
    with start(app) as client:
        registry.promote("faulty")
        client.let_pass(0.2)
        assert "ZeroDivisionError" in client.get("/readyz").json()["trouble"]
        registry.promote("small-3")
        client.let_pass(0.2)
        assert client.get("/readyz").json() == {"status": "ready", "model": "small-3"}


def test_no_request_is_dropped_while_versions_change(
    app: Starlette, start: Start, registry: Registry, small_shop: ModuleType
) -> None:
    for number in range(2, 7):
        registry.shops[f"small-{number}"] = other(small_shop, f"small-{number}")

    async def ask(client: Any) -> list[Any]:
        answers = []
        for number in range(2, 7):
            registry.promote(f"small-{number}")
            for _ in range(10):
                asked = (client.http.post("/v1/recommend", json={"n": 2}) for _ in range(8))
                answers += await asyncio.gather(*asked)
                await asyncio.sleep(0.005)
        return answers

    with start(app) as client:
        answers = client.runner.run(ask(client))
    assert {answer.status_code for answer in answers} == {200}
    assert {answer.json()["model"] for answer in answers} > {"small-2", "small-4"}


@pytest.mark.slow
def test_a_real_shop_changes_over_with_its_events_products_and_erasures(
    trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, start: Start
) -> None:
    from shelfwise.app import Shop
    from shelfwise.serving.server import SHOP_VARIABLE
    from shelfwise.serving.worker import create

    copy = tmp_path / "shop"
    shutil.copytree(trained, copy)
    monkeypatch.setenv(SHOP_VARIABLE, str(copy))
    with start(create()) as client:
        before = client.get("/readyz").json()["model"]
        view = {"user_id": "new", "item_id": "p5", "event_type": "view"}
        assert client.post("/v1/events", view).status_code == 202
        assert client.ask("DELETE", "/v1/products/p2").status_code == 200
        assert client.ask("DELETE", "/v1/users/u3").status_code == 200
        newer = Shop.open(copy).train()
        assert client.post("/v1/events", view).status_code == 202
        for _ in range(100):
            if client.get("/readyz").json()["model"] != before:
                break
            client.let_pass(0.2)
        assert client.get("/readyz").json()["model"] == newer.version
        assert len(client.get("/v1/users/new").json()["events"]) == 2
        assert client.get("/v1/users/u3").status_code == 404
        assert "p2" not in client.items(n=40, seen="allow")
        answer = client.post("/v1/recommend", {"user_id": "new", "n": 5}).json()
        assert answer["model"] == newer.version
        assert all(item["reasons"] for item in answer["items"])
