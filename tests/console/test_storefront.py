"""The storefront adapts to what its visitor does."""

from __future__ import annotations

import re
from typing import Any


def _shown(browser: Any, address: str = "/shop.json") -> list[str]:
    return [item["card"]["item_id"] for item in browser.json(address)["answer"]["items"]]


def test_a_visitor_keeps_the_same_session_and_the_page_adapts_to_it(browser: Any) -> None:
    first = browser.json("/shop.json")
    session = first["visitor"]["session_id"]
    assert first["answer"]["fallback"] is True
    assert "Popular now" in browser.get("/shop").text
    for item in ("p21", "p24"):
        list_id = first["answer"]["recommendation_id"]
        browser.tell(session_id=session, item_id=item, event_type="view", list_id=list_id)
    after = browser.json("/shop.json")
    assert after["visitor"]["session_id"] == session
    assert [card["item_id"] for card in after["recent"]] == ["p24", "p21"]
    assert {card["card"]["brand"] for card in after["answer"]["items"][:5]} == {"B2"}
    assert "For you" in browser.get("/shop").text


def test_a_forged_session_cookie_is_replaced(browser: Any) -> None:
    browser.http.cookies.set("shelfwise_session", "x" * 500)
    assert len(browser.json("/shop.json")["visitor"]["session_id"]) == 22


def test_links_keep_the_shopper_one_looks_as(browser: Any) -> None:
    text = browser.get("/shop?user_id=u4").text
    links = re.findall(r'href="(/shop/p/[^"]*)"', text)
    assert links
    assert all("user_id=u4" in link for link in links)
    assert 'data-user="u4" data-session=""' in text


def test_what_is_sold_out_is_never_recommended_and_cannot_be_bought(browser: Any) -> None:
    for address in ("/shop.json", "/shop.json?user_id=u3"):
        assert "p3" not in _shown(browser, address)
    text = browser.get("/shop/p/p3").text
    assert "Sold out" in text
    article = text.partition("<article")[2].partition("</article>")[0]
    assert "data-event" not in article


def test_a_product_page_shows_what_goes_with_it_and_what_reviewers_praise(browser: Any) -> None:
    told = browser.json("/shop/p/p5.json?list=abc123")
    assert told["came_from"] == "abc123"
    assert len(told["beside"]["items"]) == 6
    assert "p5" not in [item["card"]["item_id"] for item in told["beside"]["items"]]
    assert told["reviews"]["n"] == 8
    assert "quality" in [fact["aspect"] for fact in told["reviews"]["praised"]]
    text = browser.get("/shop/p/p5").text
    assert "quality: praised by 8 of 8 who mention it" in text
    assert 'data-item="p5"' in text


def test_a_list_that_no_recommendation_can_have_is_not_passed_on(browser: Any) -> None:
    assert browser.json("/shop/p/p5.json?list=%22%3E")["came_from"] is None
