"""`POST /v1/recommend`: the shape of the answer, and what is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest


def test_the_answer_has_the_contracted_fields(client: Any) -> None:
    answer = client.post("/v1/recommend", {"user_id": "u", "n": 1, "item_id": "zzz"})
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.json() == {
        "recommendation_id": "r1780000000000",
        "items": [
            {
                "item_id": "a",
                "position": 1,
                "score": 0.0,
                "sources": ["popular"],
                "reasons": [
                    {
                        "kind": "popular",
                        "text": "Popular",
                        "evidence": [{"name": "events", "value": 0, "item_id": "a"}],
                    }
                ],
            }
        ],
        "fallback": True,
        "missing_ids": ["zzz"],
        "model": "small-1",
    }


def test_an_empty_question_gets_an_answer(client: Any) -> None:
    assert client.items() == ["a", "b", "c"]


def test_reasons_are_left_out_when_not_wanted(client: Any) -> None:
    answer = client.post("/v1/recommend", {"explain": False}).json()
    assert [item["reasons"] for item in answer["items"]] == [[], [], []]


def test_filter_and_exclude_reach_the_shop(client: Any) -> None:
    client.ask("PUT", "/v1/products/n", {"brand": "Acme"})
    assert client.items(filter={"eq": ["brand", "Acme"]}) == ["n"]
    assert "n" not in client.items(exclude=["n"])


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"n": 0}, "n"),
        ({"n": 1_001}, "n"),
        ({"n": 10**30}, "n"),
        ({"n": "5"}, "n"),
        ({"n": 1.5}, "n"),
        ({"user_id": 5}, "user_id"),
        ({"user_id": ["u"]}, "user_id"),
        ({"item_ids": "a"}, "item_ids"),
        ({"item_ids": ["a", None]}, "item_ids[1]"),
        ({"exclude": [""]}, "exclude[0]"),
        ({"seen": "perhaps"}, "seen"),
        ({"filter": "x"}, "filter"),
        ({"filter": {"like": ["brand", "A"]}}, "filter"),
        ({"filter": {"eq": ["price", 10**400]}}, "filter"),
        ({"userid": "u"}, "userid"),
    ],
)
def test_a_bad_field_is_422_naming_it(client: Any, body: dict[str, Any], field: str) -> None:
    answer = client.post_bytes("/v1/recommend", json.dumps(body).encode())
    assert answer.status_code == 422
    error = answer.json()["error"]
    assert error["field"] == field
    assert error["message"]
    assert error["remedy"]
    assert "matching regex" not in error["message"]
