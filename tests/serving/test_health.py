"""Health, readiness, metrics and the description of the API."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from shelfwise.serving.errors import STATUS, ErrorAnswer
from shelfwise.serving.routes import ENDPOINTS
from shelfwise.serving.structs import EventsAnswer, ProductAnswer, RecommendAnswer


def test_the_process_is_healthy_whether_or_not_it_is_ready(client: Any, live: Any) -> None:
    live.is_ready = False
    assert client.get("/healthz").json() == {"status": "ok"}
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert "no model yet" in answer.json()["error"]["message"]
    live.is_ready = True
    assert client.get("/readyz").json() == {"status": "ready", "model": "small-1"}


def test_head_is_answered_like_get(client: Any) -> None:
    assert client.ask("HEAD", "/healthz").status_code == 200


def test_the_metrics_count_what_happened(client: Any) -> None:
    view = {"user_id": "u", "item_id": "a", "event_type": "view", "event_id": "1"}
    client.post("/v1/events", {"events": [view, view, {}]})
    client.post("/v1/recommend", {"user_id": "u"})
    client.post("/v1/recommend", {})
    client.post("/v1/recommend", {"n": 0})
    text = client.get("/metrics").text
    for line in (
        'shelfwise_events_total{outcome="accepted"} 1.0',
        'shelfwise_events_total{outcome="duplicate"} 1.0',
        'shelfwise_events_total{outcome="rejected"} 1.0',
        'shelfwise_recommendations_total{kind="personal"} 1.0',
        'shelfwise_recommendations_total{kind="fallback"} 1.0',
        'shelfwise_requests_total{method="POST",route="/v1/recommend",status="422"} 1.0',
        'shelfwise_request_seconds_count{method="POST",route="/v1/recommend"} 3.0',
        'shelfwise_model_info{version="small-1"} 1.0',
        "shelfwise_log_offset 1.0",
    ):
        assert line in text


def test_the_metrics_hold_no_ids(client: Any) -> None:
    client.post("/v1/events", {"user_id": "secret-u", "item_id": "secret-a"})
    client.get("/v1/users/secret-u")
    client.get("/v1/products/secret-a")
    assert "secret" not in client.get("/metrics").text


def test_every_route_is_described_and_every_reference_resolves(client: Any) -> None:
    document = client.get("/openapi.json").json()
    assert document["openapi"].startswith("3.1")
    for endpoint in ENDPOINTS:
        operation = document["paths"][endpoint.path][endpoint.method.lower()]
        assert operation["summary"] == endpoint.summary
        assert str(endpoint.status) in operation["responses"]
    names = [
        operation["operationId"]
        for methods in document["paths"].values()
        for operation in methods.values()
    ]
    assert len(set(names)) == len(names)
    assert _references(document) <= {
        f"#/components/schemas/{name}" for name in document["components"]["schemas"]
    }


@pytest.mark.parametrize(
    ("method", "path", "body", "form"),
    [
        ("POST", "/v1/recommend", {"n": 2}, RecommendAnswer),
        ("POST", "/v1/recommend", {"n": 0}, ErrorAnswer),
        ("POST", "/v1/events", {"events": [{}]}, EventsAnswer),
        ("PUT", "/v1/products/x", {"title": "X", "price": 2}, ProductAnswer),
    ],
)
def test_answers_are_what_the_description_says(
    client: Any, method: str, path: str, body: Any, form: type[msgspec.Struct]
) -> None:
    answer = client.ask(method, path, body)
    understood = msgspec.json.decode(answer.content, type=form)
    assert json.loads(msgspec.json.encode(understood)) == answer.json()
    assert form.__name__ in client.get("/openapi.json").json()["components"]["schemas"]


def test_every_error_code_has_a_status() -> None:
    from shelfwise.core import errors as core
    from shelfwise.serving import errors as serving

    met_while_serving = {
        *(one.code for one in vars(serving).values() if _is_error(one)),
        *(one.code for one in (core.StorageError, core.OverloadError, core.NotTrainedError)),
    }
    assert met_while_serving <= set(STATUS)


def _is_error(value: Any) -> bool:
    from shelfwise.core.errors import ShelfwiseError

    return isinstance(value, type) and issubclass(value, ShelfwiseError)


def _references(value: Any) -> set[str]:
    if isinstance(value, dict):
        own = {value["$ref"]} if isinstance(value.get("$ref"), str) else set()
        return own.union(*(_references(part) for part in value.values()))
    if isinstance(value, list):
        return set().union(*(_references(part) for part in value))
    return set()
