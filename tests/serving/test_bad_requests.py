"""Whatever is sent, the answer is in one shape, and never a 5xx or a stack trace."""

from __future__ import annotations

import resource
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shelfwise.serving.app import create_app
from shelfwise.serving.routes import ENDPOINTS
from shelfwise.store.event_log import EventLog

JSON_HEADER = {"content-type": "application/json"}
ROUTES_WITH_BODY = [(one.method, one.path.replace("{id}", "a")) for one in ENDPOINTS if one.bodies]
NOT_JSON = {
    "empty": b"",
    "blank": b"  ",
    "half": b'{"user_id": "u"',
    "word": b"nope",
    "nan": b'{"filter": {"gt": ["price", NaN]}}',
    "infinity": b'{"rating": -Infinity}',
    "bad_utf8": b'{"user_id": "\xff\xfe"}',
    "bad_utf8_inside": b'{"events": "\xff"}',
    "lone_surrogate": b'{"user_id": "\\ud800"}',
    "control": b'{"user_id": "a\x01"}',
    "byte_order_mark": b'\xef\xbb\xbf{"user_id": "u"}',
    "deep": b'{"filter": ' + b'{"not": ' * 50_000 + b"1" + b"}" * 50_001,
    "deep_list": b'{"events": ' + b"[" * 50_000 + b"]" * 50_000 + b"}",
    "two_values": b'{"user_id": "u"} {}',
}


@pytest.mark.parametrize(("method", "path"), ROUTES_WITH_BODY)
@pytest.mark.parametrize("case", NOT_JSON)
def test_what_is_not_json_is_400_or_422(client: Any, method: str, path: str, case: str) -> None:
    answer = client.ask(method, path, content=NOT_JSON[case], headers=JSON_HEADER)
    assert answer.status_code in {400, 422}, answer.text
    assert answer.json()["error"]["remedy"]


@pytest.mark.parametrize("case", ["empty", "half", "nan", "bad_utf8", "deep"])
def test_malformed_json_is_400(client: Any, case: str) -> None:
    answer = client.post_bytes("/v1/recommend", NOT_JSON[case])
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "malformed_json"


@pytest.mark.parametrize("body", [b"[]", b"null", b'"x"', b"1", b"true"])
@pytest.mark.parametrize(("method", "path"), ROUTES_WITH_BODY)
def test_json_that_is_no_object_is_422(client: Any, method: str, path: str, body: bytes) -> None:
    answer = client.ask(method, path, content=body, headers=JSON_HEADER)
    assert answer.status_code == 422


def test_a_number_too_large_for_a_float_is_refused(client: Any) -> None:
    answer = client.post_bytes("/v1/events", b'{"user_id":"u","item_id":"a","price":1e999}')
    assert answer.status_code == 422
    assert answer.json()["error"]["field"] == "price"


def test_a_body_over_one_megabyte_is_413(client: Any) -> None:
    for headers in (JSON_HEADER, {**JSON_HEADER, "content-length": str(10**30)}):
        answer = client.post(
            "/v1/events", content=b'{"user_id": "' + b"x" * (1 << 20) + b'"}', headers=headers
        )
        assert answer.status_code == 413
        assert answer.json()["error"]["code"] == "too_large"


@pytest.mark.parametrize(
    "headers",
    [
        {"content-type": "application/x-www-form-urlencoded"},
        {"content-type": "text/plain"},
        {"content-type": "application/json; charset=latin-1"},
        {**JSON_HEADER, "content-encoding": "gzip"},
    ],
)
def test_what_is_not_sent_as_plain_json_is_415(client: Any, headers: dict[str, str]) -> None:
    answer = client.post("/v1/events", content=b"{}", headers=headers)
    assert answer.status_code == 415


def test_json_with_a_utf_8_charset_is_taken(client: Any) -> None:
    headers = {"content-type": 'application/json; charset="UTF-8"'}
    assert client.post("/v1/recommend", content=b"{}", headers=headers).status_code == 200


def test_a_method_that_is_not_there_is_405_and_names_those_that_are(client: Any) -> None:
    answer = client.ask("DELETE", "/v1/recommend")
    assert answer.status_code == 405
    assert answer.headers["allow"] == "POST"
    assert client.ask("POST", "/v1/products/a", {}).headers["allow"].startswith("GET, PUT, PATCH")


def test_an_unknown_route_is_404_in_the_same_shape(client: Any) -> None:
    for path in ("/", "/v1", "/v1/recommend/", "/v2/recommend"):
        answer = client.get(path)
        assert answer.status_code == 404
        assert answer.json()["error"]["code"] == "not_found"


def test_a_full_disk_is_503_with_a_remedy_and_nothing_is_acknowledged(
    client: Any, log_path: Path
) -> None:
    view = {"user_id": "u", "item_id": "a" * 500, "event_type": "view"}
    client.post("/v1/events", view)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (64 * 1024, before[1]))
    try:
        answer = client.post("/v1/events", {"events": [view] * 1_000})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert answer.status_code == 503
    assert answer.json()["error"]["code"] == "storage"
    assert answer.headers["retry-after"]
    with EventLog(log_path) as log:
        assert log.last_offset() == 1
    assert client.post("/v1/events", view).status_code == 202


def test_a_bug_of_ours_is_500_without_a_stack_trace(
    live: Any, client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "products", None)
    answer = client.post("/v1/recommend", {})
    assert answer.status_code == 500
    assert answer.json()["error"]["code"] == "internal"
    assert "Traceback" not in answer.text
    assert "NoneType" not in answer.text
    assert 'status="500"' in client.get("/metrics").text


IDS = st.one_of(st.sampled_from(["u", "a", "b", ""]), st.text(max_size=20))
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(-(10**400), 10**400)
    | st.floats()
    | IDS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(IDS, inner, max_size=4),
    max_leaves=12,
)
NAMES = st.sampled_from(
    [
        *(name for one in ENDPOINTS for body in one.bodies for name in body.__struct_fields__),
        *("name", "params", "items", "event_name", "user_pseudo_id", "eq", "and", "not"),
    ]
)
BODIES = st.one_of(
    st.dictionaries(NAMES, VALUES, max_size=6),
    st.builds(
        lambda events, more: {**more, "events": events},
        st.lists(st.dictionaries(NAMES, VALUES, max_size=6) | VALUES, max_size=4),
        st.dictionaries(NAMES, VALUES, max_size=3),
    ),
    st.builds(
        lambda base, more: {**base, **more},
        st.sampled_from(
            [
                {"user_id": "u", "item_id": "a", "event_type": "view"},
                {"client_id": "c", "events": [{"name": "view_item"}]},
                {"user_id": "u", "filter": {"eq": ["brand", "x"]}},
            ]
        ),
        st.dictionaries(NAMES, VALUES, max_size=3),
    ),
    VALUES,
)


@pytest.mark.slow
@settings(
    max_examples=300,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(route=st.sampled_from(ROUTES_WITH_BODY), body=BODIES)
def test_no_body_whatever_makes_a_server_error(
    client: Any, route: tuple[str, str], body: Any
) -> None:
    import json

    method, path = route
    answer = client.ask(method, path, content=json.dumps(body).encode(), headers=JSON_HEADER)
    assert answer.status_code < 500, answer.text
    if answer.status_code >= 400:
        error = answer.json()["error"]
        assert error["code"]
        assert error["message"]
        assert error["remedy"]


@settings(
    max_examples=100,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(route=st.sampled_from(ROUTES_WITH_BODY), body=st.binary(max_size=200))
def test_no_bytes_whatever_make_a_server_error(
    client: Any, route: tuple[str, str], body: bytes
) -> None:
    answer = client.ask(*route, content=body, headers=JSON_HEADER)
    assert 400 <= answer.status_code < 500


def test_more_requests_at_once_than_allowed_are_told_to_come_back(
    small_shop: Any, log_path: Path, start: Any
) -> None:
    import asyncio

    app = create_app(small_shop.SmallShop(), EventLog(log_path), max_in_flight=4)
    with start(app) as client:

        async def many() -> list[Any]:
            asked = [client.http.post("/v1/recommend", json={}) for _ in range(20)]
            health = client.http.get("/healthz")
            return list(await asyncio.gather(*asked, health))

        answers = client.runner.run(many())
        assert answers.pop().status_code == 200
        refused = [one for one in answers if one.status_code == 503]
        assert len(refused) == 16
        assert all(one.headers["retry-after"] == "1" for one in refused)
        assert refused[0].json()["error"]["code"] == "overloaded"
        assert client.post("/v1/recommend", {}).status_code == 200
