"""The page that tries a recommendation shows history, answer and evidence."""

from __future__ import annotations

from typing import Any


def test_a_shopper_is_shown_with_history_and_an_explained_answer(browser: Any) -> None:
    told = browser.json("/console/shopper.json?user_id=u4")
    times = [event["time_ms"] for event in told["events"]]
    assert len(times) == told["n_events"] == 8
    assert times == sorted(times, reverse=True)
    assert len(told["answer"]["items"]) == 10
    for item in told["answer"]["items"]:
        assert item["reasons"]
        assert item["sources"]
    text = browser.get("/console/shopper?user_id=u4").text
    for item in told["answer"]["items"][:3]:
        assert item["card"]["title"].replace('"', "&#34;").split("<")[0] in text


def test_a_reason_comes_in_the_readers_language_with_the_same_numbers(browser: Any) -> None:
    english = browser.json("/console/shopper.json?item_id=p25&lang=en")["answer"]["items"]
    chinese = browser.json("/console/shopper.json?item_id=p25&lang=zh")["answer"]["items"]
    assert [one["card"] for one in english] == [one["card"] for one in chinese]
    for one, other in zip(english, chinese, strict=True):
        for reason, told in zip(one["reasons"], other["reasons"], strict=True):
            assert reason["text"] != told["text"]
            assert [value for _, value in reason["evidence"]] == [
                value for _, value in told["evidence"]
            ]


def test_a_visit_is_shown_once_it_has_events(browser: Any) -> None:
    assert browser.json("/console/shopper.json?session=s9")["answer"]["fallback"] is True
    browser.tell(session_id="s9", item_id="p21", event_type="view")
    told = browser.json("/console/shopper.json?session=s9")
    assert told["answer"]["fallback"] is False
    assert [event["card"]["item_id"] for event in told["events"]] == ["p21"]
