"""`/v1/users/{id}`: everything held, and nothing after erasure."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from shelfwise.core.event import Event
from shelfwise.store.event_log import EventLog


def test_everything_held_about_a_user_is_shown(client: Any) -> None:
    client.post("/v1/events", {"user_id": "u", "item_id": "a", "event_type": "view"})
    assert client.get("/v1/users/u").json() == {"user_id": "u", "items": ["a"]}


def test_an_unknown_user_is_404(client: Any) -> None:
    answer = client.get("/v1/users/nobody")
    assert answer.status_code == 404
    assert answer.json()["error"]["field"] == "user_id"


def test_an_erased_user_is_gone_from_memory_and_log(client: Any, log_path: Path) -> None:
    for user in ("u", "v"):
        client.post("/v1/events", {"user_id": user, "item_id": "a", "event_type": "view"})
    assert client.ask("DELETE", "/v1/users/u").json() == {"user_id": "u", "erased": True}
    assert client.get("/v1/users/u").status_code == 404
    assert client.get("/v1/users/v").status_code == 200
    with EventLog(log_path) as log:
        events = [r.content for r in log.read(0) if isinstance(r.content, Event)]
    assert [event.user_id for event in events] == ["v"]


def test_erasing_someone_unknown_is_no_error(client: Any) -> None:
    assert client.ask("DELETE", "/v1/users/nobody").status_code == 200


def test_an_erasure_reaches_the_other_workers(two_workers: Any) -> None:
    one, two = two_workers
    one.post("/v1/events", {"user_id": "u", "item_id": "a", "event_type": "view"})
    two.let_pass(0.2)
    assert two.get("/v1/users/u").status_code == 200
    one.ask("DELETE", "/v1/users/u")
    two.let_pass(0.2)
    assert two.get("/v1/users/u").status_code == 404
