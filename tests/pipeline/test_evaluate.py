"""Evaluation of a whole shop: complete, honest, and blind to names and to the future."""

from __future__ import annotations

import csv
import hashlib
from pathlib import Path

import numpy as np
import pytest

from shelfwise import Shop
from shelfwise.evaluation.leaderboard import kept
from shelfwise.evaluation.leaks import plant_future
from shelfwise.evaluation.splits import temporal_at, temporal_cuts
from shelfwise.pipeline.evaluate import evaluate
from shelfwise.pipeline.fit import fit_models
from shelfwise.pipeline.progress import silent

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("protocol", ["temporal", "leave-one-out"])
def test_the_report_holds_every_model_and_their_fusion(shop: Shop, protocol: str) -> None:
    outcome = evaluate(shop.dataset(), protocol, shop.config, silent)  # type: ignore[arg-type]
    report = outcome.report.to_dict()
    assert set(report["models"]) == {*outcome.plan.models, report["fusion"]}
    for figures in report["models"].values():
        low, high = figures["ndcg@10_ci95"]
        assert 0 <= low <= figures["ndcg@10"] <= high <= 1
        assert 0 <= figures["recall@10"] <= 1
    popular, fused = report["models"]["popular"], report["models"][report["fusion"]]
    assert fused["ndcg@10"] > popular["ndcg@10"]
    for promise in report["promises"].values():
        fit = promise["fit"]
        places = sum(at["rows"] for at in fit["bins"])
        assert 0 < places <= 10 * promise["requests"]
        assert sum(at["rows"] * at["promised"] for at in fit["bins"]) / places == pytest.approx(
            promise["promised"], rel=1e-4
        )
        assert (promise["days"] is None) == (protocol == "leave-one-out")


def test_chances_are_held_against_all_who_came_not_only_those_who_bought(shop: Shop) -> None:
    """On shoppers who bought something, every chance of a purchase would look too low."""
    data = shop.dataset()
    outcome = evaluate(data, "temporal", shop.config, silent)
    click = outcome.report.promises["click"]
    _, cut_ms = temporal_cuts(data, 0.1, 0.1)
    later = data.events.take(data.events.time_ms >= cut_ms)
    came = np.unique(later.user[~data.anonymous[later.user]])
    assert click.requests == len(came) >= outcome.report.data.test_users
    assert click.fit.expected_calibration_error < click.fit.base_rate
    assert "Promised chance of a click" in kept(outcome.report)[0]


def test_an_event_after_the_cut_changes_no_score(shop: Shop) -> None:
    data = shop.dataset()
    _, cut_ms = temporal_cuts(data, 0.1, 0.1)
    planted = plant_future(data, cut_ms, np.random.default_rng(0))
    assert len(planted.events) > len(data.events)
    splits = [temporal_at(one, cut_ms) for one in (data, planted)]
    before, after = (fit_models(one.train, shop.config, silent) for one in splits)
    asked = splits[0].requests.part(0, 30)
    for name, model in before.models.items():
        np.testing.assert_array_equal(
            model.scores(asked), after.models[name].scores(asked), err_msg=name
        )
    np.testing.assert_array_equal(before.tables.items, after.tables.items)


def test_renaming_every_product_and_shopper_changes_no_metric(
    trained: Path, tmp_path: Path
) -> None:
    export = trained / "export"
    shop = Shop.create(tmp_path / "renamed")
    events = _renamed_csv(export / "events.csv", tmp_path / "events.csv")
    products = _renamed_csv(export / "products.csv", tmp_path / "products.csv")
    shop.ingest(events=events, products=products)
    plain = Shop.create(tmp_path / "plain")
    plain.ingest(events=export / "events.csv", products=export / "products.csv")
    reports = [
        evaluate(one.dataset(), "leave-one-out", one.config, silent).report.to_dict()
        for one in (plain, shop)
    ]
    for report in reports:
        for figures in report["models"].values():
            del figures["fit_seconds"]
    assert reports[0] == reports[1]


def _renamed_csv(source: Path, target: Path) -> Path:
    """The same rows with other ids: hashes, so that neither order nor length survives."""
    with source.open(encoding="utf-8") as old, target.open("w", encoding="utf-8") as new:
        rows = csv.DictReader(old)
        assert rows.fieldnames is not None
        writer = csv.DictWriter(new, rows.fieldnames)
        writer.writeheader()
        for row in rows:
            for column in ("item_id", "user_id", "session_id"):
                if row.get(column):
                    row[column] = hashlib.sha256(row[column].encode()).hexdigest()[:12]
            writer.writerow(row)
    return target
