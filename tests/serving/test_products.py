"""`/v1/products/{id}`: what is sold now, changed at once and durably."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from shelfwise.core.event import Product
from shelfwise.store.event_log import EventLog
from shelfwise.store.log_record import Deletion

FULL = {
    "title": "Lamp", "description": "Two\nlines", "brand": "Acme", "category": "Home > Lamps",
    "price": 12.5, "currency": "EUR", "image": "https://x/y.png", "availability": "in_stock",
    "attributes": ["colour=red", "new"], "group_id": "g", "also_bought": ["a"],
    "also_viewed": ["b"],
}  # fmt: skip


def test_a_new_product_counts_in_the_next_answer_and_is_durable(
    client: Any, log_path: Path
) -> None:
    answer = client.ask("PUT", "/v1/products/new", FULL)
    assert answer.status_code == 201
    assert answer.json() == {"item_id": "new", **FULL}
    assert client.get("/v1/products/new").json() == answer.json()
    assert "new" in client.items()
    with EventLog(log_path) as log:
        product = log.read(0)[0].content
    assert isinstance(product, Product)
    assert product.attributes == ("colour=red", "new")


def test_put_replaces_a_product_as_a_whole(client: Any) -> None:
    client.ask("PUT", "/v1/products/a", FULL)
    answer = client.ask("PUT", "/v1/products/a", {"item_id": "a", "title": "Other"})
    assert answer.status_code == 200
    assert answer.json() == {"item_id": "a", "title": "Other"}


def test_patch_changes_only_what_it_names_and_null_empties_a_field(client: Any) -> None:
    client.ask("PUT", "/v1/products/a", FULL)
    answer = client.ask("PATCH", "/v1/products/a", {"price": 9, "brand": None})
    assert answer.status_code == 200
    expected = {"item_id": "a", **FULL, "price": 9.0}
    del expected["brand"]
    assert answer.json() == expected


def test_two_patches_at_once_both_count(client: Any) -> None:
    async def both() -> None:
        await asyncio.gather(
            client.http.patch("/v1/products/a", json={"price": 9}),
            client.http.patch("/v1/products/a", json={"brand": "B"}),
        )

    client.runner.run(both())
    product = client.get("/v1/products/a").json()
    assert (product["price"], product["brand"]) == (9.0, "B")


def test_a_deleted_product_never_appears_again(client: Any, log_path: Path) -> None:
    answer = client.ask("DELETE", "/v1/products/b")
    assert answer.json() == {"item_id": "b", "deleted": True}
    assert "b" not in client.items()
    assert client.get("/v1/products/b").status_code == 404
    with EventLog(log_path) as log:
        assert log.read(0)[0].content == Deletion("b")


@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
def test_an_unknown_product_is_404_with_a_remedy(client: Any, method: str) -> None:
    answer = client.ask(method, "/v1/products/nope", {} if method == "PATCH" else None)
    assert answer.status_code == 404
    assert answer.json()["error"]["code"] == "not_found"
    assert answer.json()["error"]["remedy"]


@pytest.mark.parametrize(
    ("attributes", "tokens"),
    [
        ({"colour": ["red", "blue"], "size": 5}, ["colour=red", "colour=blue", "size=5"]),
        ("a1; a2", ["a1", "a2"]),
        (["a1", "a1"], ["a1"]),
    ],
)
def test_attributes_become_the_tokens_that_ingest_makes(
    client: Any, attributes: Any, tokens: list[str]
) -> None:
    answer = client.ask("PUT", "/v1/products/a", {"attributes": attributes})
    assert answer.json()["attributes"] == tokens


def test_an_id_may_hold_a_slash_and_other_letters(client: Any) -> None:
    assert client.ask("PUT", "/v1/products/a%2Fb%20灯", {"title": "x"}).status_code == 201
    assert client.get("/v1/products/a%2Fb%20灯").json()["item_id"] == "a/b 灯"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"price": -1}, "price"),
        ({"price": "cheap"}, "price"),
        ({"availability": "maybe"}, "availability"),
        ({"currency": "€"}, "currency"),
        ({"titel": "x"}, "titel"),
        ({"title": "a\x00b"}, "title"),
        ({"item_id": "other"}, "item_id"),
        ({"attributes": {"a": {"b": {}}}}, "attributes[...]"),
        ({"attributes": '{"a": 1}'}, "attributes"),
        ({"attributes": {"a": list(range(1_001))}}, "attributes"),
        ({"attributes": [1]}, "attributes[0]"),
    ],
)
def test_a_bad_field_is_422_and_changes_nothing(
    client: Any, body: dict[str, Any], field: str
) -> None:
    before = client.get("/v1/products/a").json()
    for method in ("PUT", "PATCH"):
        answer = client.ask(method, "/v1/products/a", body)
        assert answer.status_code == 422
        assert answer.json()["error"]["field"] == field
    assert client.get("/v1/products/a").json() == before


@pytest.mark.parametrize("item_id", ["", "a%00b", "x" * 600])
def test_a_bad_id_in_the_path_is_422(client: Any, item_id: str) -> None:
    answer = client.ask("PUT", f"/v1/products/{item_id}", {"title": "x"})
    assert answer.status_code == 422
    assert answer.json()["error"]["field"] == "item_id"
