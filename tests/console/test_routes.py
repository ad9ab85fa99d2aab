"""Every page is there in both languages and as JSON, and refuses kindly."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from tests.console.conftest import HOSTILE, ODD_ID

from shelfwise.console.language import LANGUAGES
from shelfwise.console.routes import PAGES

ADDRESSES = (
    "/console",
    "/console/shopper",
    "/console/shopper?user_id=u4",
    "/console/shopper?session=s",
    "/console/shopper?item_id=p5",
    "/console/evaluation",
    "/shop",
    "/shop?user_id=u4",
    "/shop?user_id=nobody-yet",
    "/shop/p/p5",
)
NOWHERE = (
    ("/console/nothing", 404),
    ("/console/reports/shop.toml", 404),
    ("/console/reports/..%2fshop.toml", 404),
    ("/console/assets/nothing.css", 404),
    ("/console/evaluation?report=other", 404),
    ("/console/shopper?user_id=nobody", 404),
    ("/console/shopper?item_id=nothing", 404),
    ("/shop/p/nothing", 404),
    ("/shop/nothing", 404),
    ("/shop?user_id=" + "x" * 5_000, 414),
    ("/console/shopper?user_id=" + "%00" * 2_000, 414),
)


class Tags(HTMLParser):
    """Every element of a page, and its visible text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Notes the element."""
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        """Notes the text."""
        self.text += data


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("address", ADDRESSES)
def test_every_page_is_whole_in_every_language(browser: Any, address: str, language: str) -> None:
    answer = browser.get(address, accept_language=language)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")
    assert f'<html lang="{language}' in answer.text
    chinese = re.findall(r"[\u4e00-\u9fff]", Tags(answer.text).text)
    assert len(chinese) > 8 if language == "zh" else "".join(chinese) == "中文"


@pytest.mark.parametrize("address", ADDRESSES)
def test_every_page_answers_as_json_and_its_footer_leads_there(browser: Any, address: str) -> None:
    path, _, query = address.partition("?")
    twin = f"{path}.json?{query}"
    assert isinstance(browser.json(twin), dict)
    links = [
        attrs.get("href") for tag, attrs in Tags(browser.get(address).text).found if tag == "a"
    ]
    assert twin in links


@pytest.mark.parametrize(("address", "status"), NOWHERE)
def test_what_is_not_there_is_said_kindly(browser: Any, address: str, status: int) -> None:
    for language, words in (
        ("en", "There is no|The shop has no|Nothing is|too long"),
        ("zh", "没有|太长"),
    ):
        answer = browser.get(address, accept_language=language)
        assert answer.status_code == status
        assert "Traceback" not in answer.text
        assert re.search(words, answer.text) or "assets" in address


def test_an_error_as_json_has_a_code_a_message_and_a_remedy(browser: Any) -> None:
    answer = browser.get("/shop/p/nothing.json")
    assert answer.status_code == 404
    assert answer.json()["error"] == {
        "code": "no_product",
        "message": "The shop has no product “nothing”.",
        "remedy": "Check the id; it may have been taken off the shelf.",
    }


def test_the_root_leads_to_the_console(browser: Any) -> None:
    answer = browser.get("/")
    assert answer.is_redirect
    assert answer.headers["location"] == "/console"


@pytest.mark.parametrize(
    "address",
    [
        *ADDRESSES,
        f"/console/shopper?user_id={quote(HOSTILE)}",
        f"/console/shopper?session={quote(HOSTILE)}",
        f"/console/shopper?item_id={quote(HOSTILE)}",
        f"/shop?user_id={quote(HOSTILE)}",
        f"/shop/p/{quote(HOSTILE, safe='')}",
        f"/shop/p/{quote(ODD_ID, safe='')}",
        "/shop/p/p1",
        f"/shop/p/p5?list={quote(HOSTILE)}",
        f"/console/evaluation?report={quote(HOSTILE)}",
        f"/console/{quote(HOSTILE)}",
        f"/console?lang={quote(HOSTILE)}&{quote(HOSTILE)}=1",
    ],
)
def test_nothing_hostile_becomes_markup_and_nothing_comes_from_elsewhere(
    browser: Any, address: str
) -> None:
    answer = browser.get(address)
    assert "<script>" not in answer.text
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    for tag, attrs in Tags(answer.text).found:
        assert tag not in {"style", "i"}
        assert tag != "script" or attrs["src"]
        assert not any(name == "style" or name.startswith("on") for name in attrs)
        for name in ("src", "href", "action"):
            assert re.match(r"[/#]", attrs.get(name) or "/")


def test_a_hostile_product_is_shown_as_it_is_and_never_becomes_markup(browser: Any) -> None:
    fields = ("title", "description", "brand", "category")
    browser.put_product("p1", dict.fromkeys(fields, HOSTILE) | {"attributes": [HOSTILE]})
    for address in ("/shop/p/p1", "/shop/p/p4", "/console/shopper?item_id=p1", "/shop?user_id=u6"):
        text = browser.get(address).text
        assert "<script>" not in text
        seen = Tags(text)
        assert all(tag != "script" or attrs["src"] for tag, attrs in seen.found)
        if "p1" in address:
            assert HOSTILE in seen.text


def test_a_hostile_shopper_is_named_as_they_are(browser: Any) -> None:
    assert HOSTILE in Tags(browser.get(f"/shop?user_id={quote(HOSTILE)}").text).text


def test_an_id_with_any_character_has_its_page_and_its_json(browser: Any) -> None:
    address = f"/shop/p/{quote(ODD_ID, safe='')}"
    assert "Thing 2" in browser.get(address).text
    assert browser.json(address + ".json")["card"]["item_id"] == ODD_ID


def test_assets_come_from_the_package_and_may_be_kept(browser: Any) -> None:
    tags = Tags(browser.get("/shop").text).found
    named = [
        attrs.get("href") or attrs.get("src") for tag, attrs in tags if tag in {"link", "script"}
    ]
    assert len(named) == 3
    for address in named:
        answer = browser.get(address)
        assert answer.status_code == 200
        assert "immutable" in answer.headers["cache-control"]


def test_every_page_without_an_id_is_listed_in_the_docs() -> None:
    page = (Path(__file__).parents[2] / "docs" / "console.md").read_text(encoding="utf-8")
    for listed in PAGES:
        assert f"`{listed.path}`" in page
