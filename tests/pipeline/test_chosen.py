"""Training says which models it chose and why, and remembers it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from shelfwise import Shop
from shelfwise.cli import app
from shelfwise.cli.chosen import plan_table
from shelfwise.cli.screen import out
from shelfwise.store.bundles import current_version

pytestmark = pytest.mark.slow


def test_a_version_remembers_what_was_chosen_and_why(shop: Shop, trained: Path) -> None:
    about = shop.about()
    plan = about["plan"]
    assert plan["automatic"]
    assert [one["model"] for one in plan["verdicts"] if one["trained"]] == about["models"]
    assert all(one["trained"] or one["reason"] for one in plan["verdicts"])
    assert about["config"]["train"]["models"] == "auto"


def test_the_command_line_tells_why_a_version_has_its_models(trained: Path) -> None:
    version = current_version(trained / "models")
    asked = ["models", str(trained), "--plan", str(version)]
    told = CliRunner().invoke(app, asked)
    assert told.exit_code == 0, told.output
    assert "only where train.models names it" in told.output
    assert "chosen by the shop's size and shape" in told.output
    as_json = CliRunner().invoke(app, [*asked, "--json"])
    assert json.loads(as_json.output) == Shop.open(trained).about()["plan"]


def test_what_is_in_brackets_is_printed_as_it_is() -> None:
    verdict = {"model": "deep", "seconds": None, "gigabytes": 0.001, "trained": False}
    reason = "needs: pip install 'shelfwise[deep]'"
    with out.capture() as printed:
        out.print(plan_table({"automatic": True, "verdicts": [verdict | {"reason": reason}]}))
    assert reason in printed.get()
    assert "< 0.01" in printed.get()
