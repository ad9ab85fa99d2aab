"""The API over a trained shop: what is told counts in the next answer, and after a restart."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.applications import Starlette

from shelfwise.serving.server import SHOP_VARIABLE
from shelfwise.serving.worker import create

pytestmark = pytest.mark.slow
Start = Callable[[Starlette], AbstractContextManager[Any]]


@pytest.fixture
def shop(trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the trained shop, named to the worker."""
    copy = tmp_path / "shop"
    shutil.copytree(trained, copy)
    monkeypatch.setenv(SHOP_VARIABLE, str(copy))
    return copy


def test_an_anonymous_session_changes_the_very_next_answer(shop: Path, start: Start) -> None:
    with start(create()) as client:
        first = client.post("/v1/recommend", {"session_id": "s", "n": 5}).json()
        assert first["fallback"] is True
        for item in ("p20", "p21"):
            view = {"session_id": "s", "item_id": item, "event_type": "view"}
            assert client.post("/v1/events", view).status_code == 202
        second = client.post("/v1/recommend", {"session_id": "s", "n": 5}).json()
        assert second["fallback"] is False
        assert {int(item["item_id"][1:]) // 10 for item in second["items"]} == {2}
        assert all(item["reasons"] for item in second["items"])


def test_unknown_ids_get_an_answer_and_are_named(shop: Path, start: Start) -> None:
    with start(create()) as client:
        answer = client.post("/v1/recommend", {"user_id": "nobody", "item_id": "nothing"}).json()
        assert len(answer["items"]) == 10
        assert answer["fallback"] is True
        assert set(answer["missing_ids"]) == {"nobody", "nothing"}


def test_the_filter_holds_for_every_item(shop: Path, start: Start) -> None:
    both = {"and": [{"eq": ["brand", "B1"]}, {"lt": ["price", 15]}]}
    with start(create()) as client:
        items = client.items(user_id="u0", n=20, filter=both, seen="allow")
        assert items
        assert set(items) <= {f"p{item}" for item in range(10, 14)}
        answer = client.post("/v1/recommend", {"filter": {"eq": ["colour", "red"]}})
        assert answer.status_code == 422
        assert answer.json()["error"]["field"] == "filter.colour"


def test_products_come_and_go_at_once_and_for_good(shop: Path, start: Start) -> None:
    with start(create()) as client:
        new = {"title": "Thing 99", "brand": "New", "category": "Home > G2", "price": 5}
        assert client.ask("PUT", "/v1/products/p99", new).status_code == 201
        assert client.items(filter={"eq": ["brand", "New"]}) == ["p99"]
        stock = {"availability": "out_of_stock"}
        assert client.ask("PATCH", "/v1/products/p98", stock).status_code == 404
        assert client.ask("PATCH", "/v1/products/p1", stock).status_code == 200
        assert client.ask("DELETE", "/v1/products/p2").status_code == 200
    with start(create()) as client:
        assert client.items(filter={"eq": ["brand", "New"]}) == ["p99"]
        for question in ({}, {"user_id": "u0"}, {"item_id": "p3"}):
            assert not {"p1", "p2"} & set(client.items(n=40, seen="allow", **question))
        assert client.get("/v1/products/p1").json()["availability"] == "out_of_stock"
        assert client.get("/v1/products/p2").status_code == 404


def test_events_are_there_after_a_restart_and_gone_after_erasure(shop: Path, start: Start) -> None:
    view = {"user_id": "new", "item_id": "p5", "event_type": "view"}
    with start(create()) as client:
        client.post("/v1/events", view)
        held = client.get("/v1/users/new").json()
    with start(create()) as client:
        assert client.get("/v1/users/new").json() == held
        for user in ("new", "u3"):
            assert client.get(f"/v1/users/{user}").status_code == 200
            assert client.ask("DELETE", f"/v1/users/{user}").status_code == 200
            assert client.get(f"/v1/users/{user}").status_code == 404
    with start(create()) as client:
        for user in ("new", "u3"):
            assert client.get(f"/v1/users/{user}").status_code == 404
            assert client.post("/v1/recommend", {"user_id": user}).json()["fallback"] is True


FIELDS = st.sampled_from(["brand", "price", "category", "attributes", "attributes.x", "title", "?"])
OPERANDS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
FILTERS = st.recursive(
    st.dictionaries(
        st.sampled_from(["eq", "ne", "lt", "gte", "in", "exists"]),
        st.tuples(FIELDS, OPERANDS | st.lists(OPERANDS, max_size=3)) | FIELDS | OPERANDS,
        max_size=2,
    ),
    lambda inner: st.dictionaries(
        st.sampled_from(["and", "or", "not"]), st.lists(inner, max_size=3) | inner, max_size=1
    ),
    max_leaves=6,
)


def test_no_question_whatever_makes_a_server_error(shop: Path, start: Start) -> None:
    with start(create()) as client:

        @settings(
            max_examples=200,
            deadline=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        )
        @given(
            st.fixed_dictionaries(
                {"filter": FILTERS},
                optional={
                    "user_id": st.sampled_from(["u0", "u1", "nobody"]),
                    "item_ids": st.lists(st.sampled_from(["p1", "p2", "none"]), max_size=4),
                    "exclude": st.lists(st.sampled_from(["p1", "p2", "none"]), max_size=4),
                    "n": st.integers(1, 1_000),
                    "seen": st.sampled_from(["auto", "exclude", "allow"]),
                },
            )
        )
        def ask(body: dict[str, Any]) -> None:
            answer = client.post_bytes("/v1/recommend", json.dumps(body).encode())
            assert answer.status_code in {200, 400, 422}, (body, answer.text)

        ask()
