"""`POST /v1/events`: each event stored once, or refused with a reason."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from shelfwise.core.event import Event
from shelfwise.store.event_log import EventLog

NOW_MS = 1_780_000_000_000
VIEW = {"user_id": "u", "item_id": "a", "event_type": "view"}


def stored(log_path: Path) -> list[Event]:
    with EventLog(log_path) as log:
        return [r.content for r in log.read(0) if isinstance(r.content, Event)]


def test_an_event_is_on_the_disk_when_it_is_acknowledged(client: Any, log_path: Path) -> None:
    answer = client.post("/v1/events", VIEW)
    assert answer.status_code == 202
    assert answer.json() == {"accepted": 1, "rejected": []}
    assert stored(log_path) == [Event("view", NOW_MS, user_id="u", item_id="a")]


def test_an_event_changes_the_very_next_answer(client: Any) -> None:
    assert client.items(user_id="u")[0] == "a"
    client.post("/v1/events", VIEW)
    assert client.items(user_id="u")[-1] == "a"


def test_every_field_of_an_event_is_kept(client: Any, log_path: Path) -> None:
    full = {
        "user_id": "u", "session_id": "s", "item_id": "a", "event_type": "purchase", "value": 6,
        "quantity": 2, "price": 3, "currency": "EUR", "position": 4, "list_id": "r1",
        "rating": 5, "country": "DE", "query": "灯", "timestamp": 1_779_000_000_000,
    }  # fmt: skip
    client.post("/v1/events", full)
    assert stored(log_path) == [
        Event(
            "purchase", 1_779_000_000_000, user_id="u", session_id="s", item_id="a", value=6.0,
            quantity=2.0, price=3.0, currency="EUR", position=4, list_id="r1", rating=5.0,
            country="DE", query="灯",
        )
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("timestamp", "time_ms"),
    [
        ("2026-01-31T09:30:00Z", 1_769_851_800_000),
        ("2026-01-31T10:30:00.250+01:00", 1_769_851_800_250),
        ("2026-01-31T09:30:00", 1_769_851_800_000),
        (1_769_851_800_000, 1_769_851_800_000),
        (None, NOW_MS),
    ],
)
def test_times_are_rfc_3339_or_milliseconds_and_now_when_missing(
    client: Any, log_path: Path, timestamp: Any, time_ms: int
) -> None:
    assert client.post("/v1/events", VIEW | {"timestamp": timestamp}).status_code == 202
    assert stored(log_path)[0].time_ms == time_ms


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"timestamp": 1_769_851_800}, "timestamp"),
        ({"timestamp": NOW_MS + 3 * 86_400_000}, "timestamp"),
        ({"timestamp": "yesterday"}, "timestamp"),
        ({"timestamp": "0001-01-01T00:00:00+14:00"}, "timestamp"),
        ({"event_type": "scroll"}, "event_type"),
        ({"item_id": None}, "item_id"),
        ({"user_id": None}, "user_id"),
        ({"user_id": 7}, "user_id"),
        ({"user_id": ""}, "user_id"),
        ({"user_id": "a\x00b"}, "user_id"),
        ({"user_id": "x" * 513}, "user_id"),
        ({"quantity": -1}, "quantity"),
        ({"price": "3"}, "price"),
        ({"price": 1e300}, "price"),
        ({"position": 0}, "position"),
        ({"currency": "euro"}, "currency"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_one_bad_event_is_refused_naming_the_field(
    client: Any, log_path: Path, change: dict[str, Any], field: str
) -> None:
    answer = client.post("/v1/events", VIEW | change)
    assert answer.status_code == 422
    assert answer.json()["error"]["field"] == field
    assert answer.json()["error"]["remedy"]
    assert stored(log_path) == []


def test_a_bad_event_of_a_batch_is_told_by_its_index_and_the_others_are_stored(
    client: Any, log_path: Path
) -> None:
    answer = client.post("/v1/events", {"events": [VIEW, {"user_id": "u"}, VIEW | {"n": 1}, VIEW]})
    assert answer.status_code == 202
    assert answer.json()["accepted"] == 2
    assert [one["index"] for one in answer.json()["rejected"]] == [1, 2]
    assert "item_id" in answer.json()["rejected"][0]["error"]
    assert "`n`" in answer.json()["rejected"][1]["error"]
    assert len(stored(log_path)) == 2


def test_an_empty_batch_is_accepted(client: Any) -> None:
    assert client.post("/v1/events", {"events": []}).json() == {"accepted": 0, "rejected": []}


def test_a_batch_that_is_too_long_is_refused_as_a_whole(client: Any, log_path: Path) -> None:
    answer = client.post("/v1/events", {"events": [VIEW] * 2_001})
    assert answer.status_code == 422
    assert answer.json()["error"]["field"] == "events"
    assert stored(log_path) == []


def test_an_event_sent_again_with_its_id_counts_once(client: Any, log_path: Path) -> None:
    for _ in range(2):
        answer = client.post("/v1/events", VIEW | {"event_id": "e1"})
        assert answer.json() == {"accepted": 1, "rejected": []}
    client.post("/v1/events", VIEW | {"event_id": "e1", "user_id": "v"})
    assert [event.user_id for event in stored(log_path)] == ["u", "v"]


def test_an_anonymous_session_works(client: Any) -> None:
    answer = client.post(
        "/v1/events", {"session_id": "s", "item_id": "a", "event_type": "add_to_cart"}
    )
    assert answer.status_code == 202
    assert client.items(session_id="s")[-1] == "a"


def test_a_search_needs_no_product(client: Any, log_path: Path) -> None:
    client.post("/v1/events", {"session_id": "s", "event_type": "search", "query": "lamp"})
    assert stored(log_path) == [Event("search", NOW_MS, session_id="s", query="lamp")]


def test_a_missing_type_is_a_rating_with_a_rating_and_a_purchase_without(
    client: Any, log_path: Path
) -> None:
    client.post("/v1/events", {"user_id": "u", "item_id": "a", "rating": 4})
    client.post("/v1/events", {"user_id": "u", "item_id": "a"})
    assert [event.event_type for event in stored(log_path)] == ["rate", "purchase"]


def test_the_measurement_protocol_of_ga4_is_understood(client: Any, log_path: Path) -> None:
    body = {
        "client_id": "123.456",
        "timestamp_micros": "1769851800000000",
        "non_personalized_ads": False,
        "events": [
            {
                "name": "purchase",
                "params": {
                    "transaction_id": "t1", "currency": "EUR", "value": 11, "session_id": 99,
                    "items": [
                        {"item_id": "a", "item_name": "A", "price": 3, "quantity": 2, "index": 0},
                        {"item_id": "b", "price": 5, "index": 1, "item_list_id": "r1"},
                    ],
                },
            },
            {"name": "page_scroll", "params": {}},
            {"name": "search", "params": {"search_term": "lamp"}},
            {"name": "view_item", "params": {"items": [{"item_name": "no id"}]}},
        ],
    }  # fmt: skip
    answer = client.post("/v1/events", body)
    assert answer.status_code == 202
    assert answer.json()["accepted"] == 2
    assert [one["index"] for one in answer.json()["rejected"]] == [1, 3]
    at = 1_769_851_800_000
    assert stored(log_path) == [
        Event(
            "purchase", at, user_id="123.456", session_id="99", item_id="a", value=6.0,
            quantity=2.0, price=3.0, currency="EUR",
        ),
        Event(
            "purchase", at, user_id="123.456", session_id="99", item_id="b", value=5.0,
            price=5.0, currency="EUR", position=1, list_id="r1",
        ),
        Event("search", at, user_id="123.456", query="lamp"),
    ]  # fmt: skip


def test_a_signed_in_user_of_ga4_goes_by_the_user_id(client: Any, log_path: Path) -> None:
    view = {"name": "view_item", "params": {"items": [{"item_id": "a"}]}}
    client.post("/v1/events", {"client_id": "c", "user_id": "u", "events": [view]})
    assert [event.user_id for event in stored(log_path)] == ["u"]


def test_a_row_of_the_ga4_export_is_understood(client: Any, log_path: Path) -> None:
    row = {
        "event_name": "add_to_cart",
        "event_timestamp": 1_769_851_800_000_000,
        "user_pseudo_id": "p",
        "items": [{"item_id": "a"}],
    }
    assert client.post("/v1/events", row).status_code == 202
    assert stored(log_path) == [Event("add_to_cart", 1_769_851_800_000, user_id="p", item_id="a")]


@pytest.mark.parametrize("micros", ["soon", "9" * 400, 10**30])
def test_a_bad_time_of_ga4_is_refused(client: Any, micros: Any) -> None:
    view = {"name": "view_item", "params": {"items": [{"item_id": "a"}]}}
    body = {"client_id": "c", "timestamp_micros": micros, "events": [view]}
    answer = client.post("/v1/events", body)
    assert answer.status_code == 202
    assert answer.json()["accepted"] == 0


def test_one_worker_applies_what_another_wrote_once_and_in_order(two_workers: Any) -> None:
    one, two = two_workers
    one.post("/v1/events", VIEW)
    two.post("/v1/events", VIEW | {"item_id": "b"})
    one.post("/v1/events", VIEW | {"item_id": "c"})
    for worker in two_workers:
        worker.post("/v1/events", {"user_id": "u", "event_type": "search"})
    assert two.get("/metrics").text.count("shelfwise_log_offset 5.0") == 1
    assert two.get("/v1/users/u").json()["items"] == ["a", "b", "c", None, None]


def test_a_record_that_cannot_be_applied_costs_no_other_and_is_logged(
    live: Any, client: Any, caplog: pytest.LogCaptureFixture
) -> None:
    client.post("/v1/events", VIEW)
    apply, live.apply = live.apply, None
    assert client.post("/v1/events", VIEW | {"item_id": "b"}).status_code == 202
    live.apply = apply
    client.post("/v1/events", VIEW | {"item_id": "c"})
    assert client.get("/v1/users/u").json()["items"] == ["a", "c"]
    assert [record.message for record in caplog.records] == [
        "A record of kind event could not be applied"
    ]


def test_a_worker_that_only_listens_follows_the_log(two_workers: Any) -> None:
    one, two = two_workers
    one.post("/v1/events", VIEW)
    two.let_pass(0.3)
    assert two.items(user_id="u")[-1] == "a"
