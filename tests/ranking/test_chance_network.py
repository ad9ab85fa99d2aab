"""A network takes over the promises where held-out shoppers make sure of it, and only there."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("torch")

from shelfwise.core.model import ModelState
from shelfwise.ranking.calibration import CalibrationConfig
from shelfwise.ranking.chance_network import ShownRows, learn_network, surely_better
from shelfwise.ranking.network_lesson import NetworkConfig
from shelfwise.ranking.outlook import Outlook, across_halves, evidence, learn_outcome

CONFIG = CalibrationConfig(places=20)
NETWORK = NetworkConfig(embedding_size=8, hidden=16)
N, PLACES = 320, 20


def shop(seed: int, *, told: float) -> tuple[np.ndarray, ShownRows]:
    """Scores, and lists whose purchases hang on the score and, `told` times, on a feature."""
    rng = np.random.default_rng(seed)
    scores = rng.normal(0, 1, N * PLACES).astype(np.float32)
    hidden = rng.normal(0, 1, N * PLACES).astype(np.float32)
    chance = 1 / (1 + np.exp(3.5 - scores - told * hidden))
    click = rng.random(len(chance)) < chance
    bought = click & (rng.random(len(chance)) < 0.4)
    indptr = np.arange(N + 1) * PLACES
    features = np.column_stack([scores, hidden, rng.normal(0, 1, (len(scores), 3))])
    return scores, ShownRows(
        ("als.z", "item.price", "item.age", "item.rating", "item.sales"),
        features.astype(np.float32),
        indptr,
        {"click": click, "cart": bought, "purchase": bought},
        evidence(scores, indptr)[1],
    )


def outlook_of(scores: np.ndarray, rows: ShownRows) -> Outlook:
    """What is promised of these rows, by curves and by the network."""
    curves, reports, promised = {}, {}, {}
    for name in ("click", "purchase"):
        happened = rows.happened[name]
        found = learn_outcome(scores, rows.indptr, happened, CONFIG, k=10, days=7.0)
        assert found is not None
        curves[name], reports[name] = found
        promised[name] = across_halves(scores, rows.indptr, happened, CONFIG)
    network = learn_network(rows, NETWORK, np.random.default_rng(0))
    assert network is not None
    return Outlook(curves, reports).with_network(network, rows, promised, 10)


@pytest.fixture(scope="module")
def telling() -> Outlook:
    """An outlook where a feature tells much."""
    return outlook_of(*shop(0, told=1.5))


def test_the_network_promises_what_a_feature_tells_and_the_score_does_not(
    telling: Outlook,
) -> None:
    for report in telling.reports.values():
        assert report.by == "network"
        assert report.log_loss["network"] < report.log_loss["curve"]
    scores, rows = shop(1, told=1.5)
    by_network = telling.chances(scores, rows.indptr, rows.features)
    by_curve = telling.chances(scores, rows.indptr)
    for name in ("click", "purchase"):
        happened = rows.happened[name]
        assert surely_better(by_network[name], by_curve[name], happened, rows.indptr)
        assert by_network[name].mean() == pytest.approx(happened.mean(), rel=0.2)


def test_a_curve_keeps_promising_where_features_tell_nothing_more() -> None:
    found = outlook_of(*shop(2, told=0.0))
    assert [one.by for one in found.reports.values()] == ["curve", "curve"]
    assert found.network is None
    assert set(found.reports["click"].log_loss) == {"curve", "network"}


def test_behind_the_places_it_learnt_from_the_curve_promises(telling: Outlook) -> None:
    scores, rows = shop(3, told=1.5)
    few = replace(telling, places=5)
    chance = few.chances(scores, rows.indptr, rows.features)["click"]
    by_curve = few.chances(scores, rows.indptr)["click"]
    behind = rows.place > 5
    np.testing.assert_array_equal(chance[behind], by_curve[behind])
    assert (chance[~behind] != by_curve[~behind]).all()


def test_it_promises_the_same_after_it_was_stored(telling: Outlook) -> None:
    scores, rows = shop(4, told=1.5)
    state = telling.state()
    plain = ModelState(json.loads(json.dumps(state.settings)), state.arrays)
    again = Outlook.from_state(plain)
    for name, chance in telling.chances(scores, rows.indptr, rows.features).items():
        np.testing.assert_array_equal(
            again.chances(scores, rows.indptr, rows.features)[name], chance
        )


def test_too_few_deeds_teach_no_network() -> None:
    _, rows = shop(5, told=0.0)
    nothing = {name: np.zeros_like(one) for name, one in rows.happened.items()}
    few = replace(rows, happened=nothing)
    assert learn_network(few, NETWORK, np.random.default_rng(0)) is None
