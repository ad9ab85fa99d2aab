"""Reasons are told in Chinese from their own facts."""

from __future__ import annotations

import inspect
import re

from shelfwise.console.reasons import evidence_text, reason_text
from shelfwise.console.words.reasons import SENTENCES
from shelfwise.core.slate import Evidence, Reason
from shelfwise.pipeline import reasons
from shelfwise.pipeline.reasons import KINDS


def _title(item_id: str) -> str:
    return {"p1": "茶杯"}.get(item_id, item_id)


def test_english_is_what_the_engine_wrote() -> None:
    assert reason_text(Reason("popular", "Chosen by 3 shoppers"), "en", _title) == (
        "Chosen by 3 shoppers"
    )


def test_a_reason_names_its_numbers_and_the_other_product() -> None:
    facts = (Evidence("both", 1_038, "p1"), Evidence("of", 2_100, "p1"))
    told = reason_text(Reason("bought_after", "…", facts), "zh", _title)
    assert told == "选择“茶杯”的 2,100 位顾客中，有 1,038 位之后选择了它"


def test_what_not_every_reason_has_is_added() -> None:
    prices = (
        Evidence("share_of_score", 0.4, "p1"),
        Evidence("price", 8.0),
        Evidence("price_of_other", 10.0, "p1"),
    )
    assert reason_text(Reason("similar", "…", prices), "zh", _title) == "与“茶杯”相似，便宜 20%"
    again = (Evidence("times", 2), Evidence("days_ago", 30.5), Evidence("typical_days", 28.0))
    assert reason_text(Reason("bought_before", "…", again), "zh", _title) == (
        "您买过 2 次，上次在 30.5 天前；一般约 28 天后会再买"
    )


def test_a_kind_without_words_or_facts_stays_as_it_is() -> None:
    assert reason_text(Reason("new_kind", "Because"), "zh", _title) == "Because"
    assert reason_text(Reason("popular", "Because"), "zh", _title) == "Because"


def test_a_fact_without_a_name_is_called_as_the_engine_calls_it() -> None:
    assert evidence_text(Evidence("new_fact", 2, "p1"), "zh", _title) == ("new fact", "2 · 茶杯")


def test_every_kind_the_engine_gives_has_a_chinese_sentence() -> None:
    assert set(KINDS) == set(SENTENCES["zh"].kinds)
    quoted = set(re.findall(r'"([a-z_]+)"', inspect.getsource(reasons)))
    assert set(KINDS) <= quoted
