"""What the fusion is made of."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.pipeline.conftest import FAST
from typer.testing import CliRunner

from shelfwise import Shop
from shelfwise.cli import app
from shelfwise.pipeline.explain_fusion import explained, measured_anew
from shelfwise.pipeline.progress import silent

pytestmark = pytest.mark.slow


def test_every_source_and_alternative_is_told_with_what_it_is_worth(shop: Shop) -> None:
    about = shop.about()
    found = explained(about, "v1")
    assert {one.source for one in found.sources} == set(about["models"])
    lifts = [one.lift or 0.0 for one in found.sources]
    assert lifts == sorted(lifts, reverse=True)
    assert sum(one.share_of_score or 0.0 for one in found.sources) == pytest.approx(1, abs=0.02)
    for one in found.sources:
        assert one.lift_ci95 is not None
        assert one.lift is not None
        assert one.lift_ci95[0] <= one.lift <= one.lift_ci95[1]
        assert one.most_like != one.source
        assert set(one.weights) >= {"z", "ratio"}
    assert {one.kind for one in found.alternatives} == set(about["fusion"]["ndcg"])
    serving = [one.kind for one in found.alternatives if one.serves]
    assert serving == [found.chosen] or found.chosen in about["models"]
    assert not any(name.startswith(("als.", "sources.")) for name in found.features)


def test_the_served_ranker_can_be_measured_without_each_source(trained: Path) -> None:
    shop = Shop.open(trained, (*FAST, "train.models=['popular', 'als', 'repeat']"))
    stored = explained(shop.about(), "v1")
    anew = measured_anew(shop.dataset(), shop.config, stored, silent)
    assert {one.source for one in anew.sources} == {"popular", "als", "repeat"}
    assert anew.lift_of in {stored.chosen, "linear"}
    assert anew.version == "v1"
    assert anew.sources[0].lift is not None
    assert anew.sources[0].lift > 0


def test_the_command_prints_tables_and_writes_json(shop: Shop, tmp_path: Path) -> None:
    file = tmp_path / "fusion.json"
    result = CliRunner().invoke(app, ["explain-fusion", str(shop.root), "--json", str(file)])
    assert result.exit_code == 0
    for told in ("als", "95 % interval", "boosted", "a perfect order", "purchase"):
        assert told in result.output
    written = json.loads(file.read_text(encoding="utf-8"))
    assert written["sources"][0]["lift_ci95"]
    assert written["probabilities"]["purchase"]["calibration_error"] >= 0
