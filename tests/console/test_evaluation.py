"""Evaluation reports are shown where nothing can run, and no other file is."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any


def test_the_newest_report_is_shown_in_a_frame_where_nothing_runs(browser: Any, shop: Path) -> None:
    later = shop / "reports" / "evaluation-leave-one-out.html"
    later.write_text("<p>later</p>")
    os.utime(later, (4e9, 4e9))
    told = browser.json("/console/evaluation.json")
    assert [report["protocol"] for report in told["reports"]] == ["leave-one-out", "temporal"]
    assert told["open"] == told["reports"][0]
    assert '<iframe class="report" sandbox=""' in browser.get("/console/evaluation").text
    chosen = browser.json("/console/evaluation.json?report=temporal")
    answer = browser.get(chosen["open"]["address"])
    assert "NDCG" in answer.text
    assert answer.headers["content-security-policy"].startswith("sandbox;")


def test_a_link_out_of_the_folder_is_not_followed(browser: Any, shop: Path) -> None:
    (shop / "reports" / "evaluation-x.html").symlink_to(shop / "shop.toml")
    assert browser.get("/console/reports/evaluation-x.html").status_code == 404
    assert len(browser.json("/console/evaluation.json")["reports"]) == 1


def test_without_a_report_the_page_says_how_to_make_one(browser: Any, shop: Path) -> None:
    for report in (shop / "reports").glob("*.html"):
        report.unlink()
    text = browser.get("/console/evaluation").text
    assert "shelfwise evaluate shop --protocol temporal" in text
