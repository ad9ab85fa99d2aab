"""The overview says what was trained, compared and ingested."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from shelfwise import Shop
from shelfwise.pipeline.paired import Paired


def test_the_overview_tells_the_figures_of_the_version_that_answers(
    browser: Any, shop: Path
) -> None:
    told = browser.json("/console.json")
    version = (shop / "models" / "CURRENT").read_text().strip()
    about = json.loads((shop / "models" / version / "about.json").read_text())
    assert told["version"] == version
    assert (told["events"], told["shoppers"]) == (about["events"], about["shoppers"])
    assert {row["name"]: row["ndcg"] for row in told["leaderboard"]} == (
        about["fusion"]["ndcg_single"] | about["fusion"]["ndcg"]
    )
    scores = [row["ndcg"] for row in told["leaderboard"]]
    assert scores == sorted(scores, reverse=True)
    assert len(told["weights"]) <= 15


def test_the_overview_tells_how_the_version_did_against_the_one_before(
    browser: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert browser.json("/console.json")["against"] is None
    paired = Paired("v0", 812, 10, 0.1, 0.13, 0.03, (0.01, 0.05), 0)
    about = Shop.about
    promotion = {"promotion": {"paired": msgspec.to_builtins(paired)}}
    monkeypatch.setattr(Shop, "about", lambda *asked: about(*asked) | promotion)
    assert browser.json("/console.json")["against"]["difference"] == 0.03
    for language in ("en", "zh"):
        page = browser.get("/console", accept_language=language).text
        assert all(figure in page for figure in ("v0", "812", "0.1300", "0.1000", "+0.0100"))


def test_every_ingested_row_is_accounted_for(browser: Any) -> None:
    rows = browser.json("/console.json")["ingest"]["events"]
    assert rows["quarantined"] == {"missing_item_id": 1}
    assert rows["read"] == rows["accepted"] + rows["duplicates"] + 1
    assert "no product id 1" in browser.get("/console", accept_language="en").text
    assert "缺商品编号 1" in browser.get("/console", accept_language="zh").text


def test_a_shop_without_an_ingest_report_says_so(browser: Any, shop: Path) -> None:
    for content in ("not JSON", "[]", '{"events": {}}', None):
        report = shop / "reports" / "ingest.json"
        report.unlink() if content is None else report.write_text(content)
        assert "There is no ingest report yet." in browser.get("/console").text
