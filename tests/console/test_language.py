"""Readers get the language they ask for, and both are complete."""

from __future__ import annotations

import re
import string
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any, get_args

import pytest

from shelfwise.console.errors import STATUS, ErrorKey
from shelfwise.console.language import language_of
from shelfwise.console.words.evaluation import EVALUATION
from shelfwise.console.words.frame import FRAME
from shelfwise.console.words.overview import OVERVIEW
from shelfwise.console.words.reasons import EVIDENCE, SENTENCES
from shelfwise.console.words.shopper import SHOPPER
from shelfwise.console.words.storefront import STOREFRONT
from shelfwise.core.columns import EVENT_TYPES

TABLES = [FRAME, OVERVIEW, SHOPPER, EVALUATION, STOREFRONT]


def _words(table: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, str]]:
    for key, value in table.items():
        if isinstance(value, Mapping):
            yield from _words(value, f"{path}{key}.")
        else:
            yield path + key, value


def _names(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


@pytest.mark.parametrize("table", TABLES, ids=lambda table: type(table.en).__name__)
def test_both_languages_say_everything_and_name_the_same_values(table: Any) -> None:
    english, chinese = dict(_words(asdict(table.en))), dict(_words(asdict(table.zh)))
    assert list(english) == list(chinese)
    for key, text in english.items():
        assert text.strip()
        assert _names(text) == _names(chinese[key]), key
        if key != "other_language":
            assert re.search("[\u4e00-\u9fff]", chinese[key]), key


def test_every_fact_has_a_name_in_both_languages() -> None:
    assert list(EVIDENCE.en) == list(EVIDENCE.zh)
    told = " ".join([*SENTENCES["zh"].kinds.values(), *SENTENCES["zh"].more.values()])
    assert _names(told) - {"other"} <= set(EVIDENCE.en)


def test_every_error_and_every_kind_of_event_has_words() -> None:
    for words in (FRAME.en, FRAME.zh):
        assert set(words.errors) == set(words.remedies) == set(STATUS) == set(get_args(ErrorKey))
    assert set(SHOPPER.en.event_types) == set(EVENT_TYPES)


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("", "en"),
        ("zh-CN,zh;q=0.9,en;q=0.8", "zh"),
        ("en-GB,en;q=0.9,zh;q=0.8", "en"),
        ("fr,zh;q=0.3,en;q=0.2", "zh"),
        ("de", "en"),
        ("zh;q=lots,,;;", "en"),
    ],
)
def test_the_browsers_preference_counts_when_nothing_was_chosen(accept: str, expected: str) -> None:
    assert language_of(None, {}, accept) == expected


def test_a_chosen_language_is_remembered(browser: Any) -> None:
    assert "概览" in browser.get("/console?lang=zh", accept_language="en").text
    assert "概览" in browser.get("/console", accept_language="en").text
    assert "Overview" in browser.get("/console?lang=en").text
    assert "Overview" in browser.get("/console?lang=tlh", accept_language="zh").text
