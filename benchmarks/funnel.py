"""Chances of clicks and purchases: the outlook's two curves against a network with funnel heads.

    [SHELFWISE_DATA=/path/to/public/data] shelfwise bench funnel [--json FILE]

The simulated demo shop and, where the data are, Taobao's UserBehavior (views, favourites, carts,
purchases). Models and fusion are learnt from what was before the last tenth of the events; all
shoppers who came after that are asked, and each of the first 50 products is held against what the
shopper did with it. Both ways of promising learn from half of the shoppers and are measured on the
other half, and the other way round; the rankers whose scores they read had not seen the shopper.

- base rate: every product is promised the mean chance of its half;
- outlook: what is served, a rising curve over softmax share and place;
- funnel: `ranking.funnel`, a network over all ranking features, trained on click, cart and purchase
  together, p(purchase) = p(click) p(purchase | click); its fifth held out stops the training;
- funnel + evidence: the same with the outlook's share and place among its features.

Log loss in nats per thousand products, the difference from the outlook's with its 95 % interval
(paired bootstrap over shoppers), expected calibration error, and NDCG@10 of what happened when the
50 are ordered by the chance. PyTorch is needed.
"""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from shelfwise import Shop
from shelfwise.core.columns import EVENT_CODE
from shelfwise.core.dataset import Dataset
from shelfwise.evaluation.intervals import difference
from shelfwise.ingest.demo_shop import DemoConfig, simulate
from shelfwise.pipeline.calibrate import TYPES, unseen_ranker, what_followed, who_came
from shelfwise.pipeline.fit import fit_models, latest_window, learn_choice
from shelfwise.pipeline.progress import silent
from shelfwise.pipeline.recommend import part_size, ranking_features
from shelfwise.pipeline.retrieve import retrieve
from shelfwise.pipeline.settings import PipelineConfig
from shelfwise.ranking.calibration import expected_calibration_error
from shelfwise.ranking.funnel import FunnelNetwork
from shelfwise.ranking.judged import ndcg
from shelfwise.ranking.network_lesson import NetworkConfig
from shelfwise.ranking.outlook import OutcomeCurve, evidence

K = 10
OUTCOMES = TYPES | {"cart": ("add_to_cart",)}
Chances = dict[str, NDArray[np.float64]]
Promiser = Callable[["Rows", NDArray[np.bool_], NDArray[np.bool_]], Chances]


@dataclass(frozen=True)
class Lists:
    """Products of a list for each shopper, and what came of them."""

    scores: NDArray[np.float32]
    indptr: NDArray[np.int64]
    happened: Mapping[str, NDArray[np.bool_]]

    def request(self) -> NDArray[np.int64]:
        """[n_rows] whose list each row is in."""
        return np.repeat(np.arange(len(self.indptr) - 1), np.diff(self.indptr))

    def take(self, rows: NDArray[np.bool_], requests: NDArray[np.bool_]) -> Lists:
        """Some rows of some requests."""
        lengths = np.bincount(self.request()[rows], minlength=len(requests))[requests]
        happened = {name: one[rows] for name, one in self.happened.items()}
        return Lists(self.scores[rows], np.append(0, np.cumsum(lengths)), happened)


@dataclass(frozen=True)
class Rows:
    """Whole lists, and the first places of each with their features."""

    whole: Lists
    shown: Lists
    names: tuple[str, ...]
    features: NDArray[np.float32]
    """[rows shown, features]"""
    signs: NDArray[np.float32]
    """[rows shown, 2] `outlook.evidence` within the whole list."""

    def part(self, requests: NDArray[np.bool_]) -> Rows:
        """The rows of some requests."""
        rows = requests[self.shown.request()]
        return Rows(
            self.whole.take(requests[self.whole.request()], requests),
            self.shown.take(rows, requests),
            self.names,
            self.features[rows],
            self.signs[rows],
        )


@dataclass(frozen=True)
class Figures:
    """One way of promising one outcome."""

    way: str
    outcome: str
    rows: int
    share: float
    """Of the rows where it happened."""
    log_loss: float
    """Nats per thousand rows."""
    against_outlook: float
    ci95: tuple[float, float]
    calibration_error: float
    ndcg: float
    fit_cpu_s: float


def main(json_file: Path | None = None) -> None:
    """Prints a table per shop."""
    found = {}
    for name, data in _shops().items():
        rows = _gathered(data, PipelineConfig())
        found[name] = _compare(rows)
        n, places = len(rows.shown.indptr) - 1, len(rows.shown.scores)
        print(f"\n{name}: {n:,} shoppers, {places:,} products")
        print(f"{'':28}{'log loss':>9}{'against the outlook':>30}{'ECE':>8}{'NDCG':>8}{'fit s':>7}")
        for one in found[name]:
            low, high = one.ci95
            gap = f"{one.against_outlook:+.2f} ({low:+.2f} … {high:+.2f})"
            print(
                f"{one.outcome:10}{one.way:18}{one.log_loss:9.2f}{gap:>30}"
                f"{one.calibration_error:8.2%}{one.ndcg:8.4f}{one.fit_cpu_s:7.1f}"
            )
    if json_file is not None:
        plain = {name: [asdict(one) for one in of] for name, of in found.items()}
        json_file.write_text(json.dumps(plain, indent=1))


def _shops() -> dict[str, Dataset]:
    shops = {}
    with tempfile.TemporaryDirectory() as root:
        demo = Shop.create(Path(root) / "demo")
        files = simulate(DemoConfig(start=date(2025, 1, 1)), 0).write_csv(Path(root) / "export")
        demo.ingest(events=files.events, products=files.products, reviews=files.reviews)
        shops["demo"] = demo.dataset()
        folder = os.environ.get("SHELFWISE_DATA")
        if folder:
            taobao = Shop.create(Path(root) / "taobao")
            taobao.ingest(
                events=Path(folder) / "taobao_userbehavior/UserBehavior.csv.zst", format="taobao"
            )
            shops["Taobao UserBehavior"] = taobao.dataset()
    return shops


def _gathered(data: Dataset, config: PipelineConfig) -> Rows:
    """The places that the outlook is learnt from, with their features."""
    split = latest_window(data, config.train.validation_share)
    fitted = fit_models(split.train, config, silent)
    learnt = learn_choice(fitted, split, config, silent)
    rng = np.random.default_rng(0)
    requests = who_came(data, split)
    by = unseen_ranker(requests.user, learnt, rng)
    asked = rng.permutation(np.flatnonzero(by >= 0))[: config.fusion.calibration.requests]
    requests, by = requests.take(asked), by[asked]
    later = what_followed(data.events, requests, data.n_users)
    rankers = [ranker for _, ranker in learnt.choice.unseen_by] + [learnt.choice.ranker]
    size = part_size(len(fitted.models), data.n_items)
    parts: list[tuple[NDArray[Any], ...]] = []
    names: tuple[str, ...] = ()
    for start in range(0, len(requests), size):
        few = requests.part(start, start + size)
        hidden = fitted.seen.hidden(few.history)
        per_source = config.recommend.per_source
        candidates = retrieve(fitted.models, few, hidden, per_source, data.n_items)
        names, features = ranking_features(fitted.tables, few, candidates)
        own = by[start : start + size][candidates.request]
        scores = np.empty(len(candidates), np.float32)
        for which in np.unique(own):
            scores[own == which] = rankers[which].score(features[own == which])
        signs, place = evidence(scores, candidates.indptr())
        shown = place <= config.fusion.calibration.places
        key = (start + candidates.request.astype(np.int64)) * data.n_items + candidates.item
        lengths = np.diff(candidates.indptr())
        parts.append((scores, lengths, key, shown, features[shown], signs[shown]))
    scores, lengths, key, shown, features, signs = (
        np.concatenate(column) for column in zip(*parts, strict=True)
    )
    happened = {}
    for name, types in OUTCOMES.items():
        told = later.take(np.isin(later.type, [EVENT_CODE[one] for one in types]))
        happened[name] = np.isin(key, told.user.astype(np.int64) * data.n_items + told.item)
    whole = Lists(scores, np.append(0, np.cumsum(lengths)).astype(np.int64), happened)
    everyone = np.ones(len(requests), np.bool_)
    return Rows(whole, whole.take(shown, everyone), names, features, signs)


def _compare(rows: Rows) -> list[Figures]:
    ways: dict[str, Promiser] = {
        "outlook": _outlook,
        "base rate": _base_rate,
        "funnel": _funnel,
        "funnel + evidence": _funnel_with_evidence,
    }
    half = np.arange(len(rows.shown.indptr) - 1) % 2 == 0  # requests are in a random order
    promised: dict[str, Chances] = {}
    seconds: dict[str, float] = {}
    for way, promise in ways.items():
        start = time.process_time()
        promised[way] = {name: np.full(len(rows.shown.scores), np.nan) for name in OUTCOMES}
        with threadpool_limits(1):
            for fit, test in ((half, ~half), (~half, half)):
                for name, chance in promise(rows, fit, test).items():
                    promised[way][name][test[rows.shown.request()]] = chance
        seconds[way] = time.process_time() - start
    return [
        _figures(way, name, rows, chances[name], promised["outlook"][name], seconds[way])
        for name in OUTCOMES
        for way, chances in promised.items()
        if not np.isnan(chances[name]).any()
    ]


def _outlook(rows: Rows, fit: NDArray[np.bool_], test: NDArray[np.bool_]) -> Chances:
    known, asked = rows.part(fit), rows.part(test)
    config = PipelineConfig().fusion.calibration
    return {
        name: OutcomeCurve.fit(known.whole.scores, known.whole.indptr, happened, config)
        .probabilities(asked.signs)
        .astype(np.float64)
        for name, happened in known.whole.happened.items()
        if happened.any()
    }


def _base_rate(rows: Rows, fit: NDArray[np.bool_], test: NDArray[np.bool_]) -> Chances:
    n = len(rows.part(test).shown.scores)
    return {name: np.full(n, one.mean()) for name, one in rows.part(fit).shown.happened.items()}


def _funnel(rows: Rows, fit: NDArray[np.bool_], test: NDArray[np.bool_]) -> Chances:
    known, asked = rows.part(fit), rows.part(test)
    network = FunnelNetwork.fit(
        known.features,
        known.names,
        known.shown.indptr,
        known.shown.happened,
        NetworkConfig(epochs=30),
        np.random.default_rng(0),
    )
    chances = network.probabilities(asked.features)
    return {name: chance.astype(np.float64) for name, chance in chances.items()}


def _funnel_with_evidence(rows: Rows, fit: NDArray[np.bool_], test: NDArray[np.bool_]) -> Chances:
    told = np.concatenate([rows.features, rows.signs], axis=1)
    wider = replace(rows, names=(*rows.names, "share", "place"), features=told)
    return _funnel(wider, fit, test)


def _figures(
    way: str,
    outcome: str,
    rows: Rows,
    chance: NDArray[np.float64],
    base: NDArray[np.float64],
    seconds: float,
) -> Figures:
    happened = rows.shown.happened[outcome]
    loss, other = (_losses(one, happened, rows) for one in (chance, base))
    gap = difference(loss, other, 0)
    return Figures(
        way=way,
        outcome=outcome,
        rows=len(happened),
        share=float(happened.mean()),
        log_loss=float(loss.mean()),
        against_outlook=gap.mean,
        ci95=(gap.low, gap.high),
        calibration_error=expected_calibration_error(chance.astype(np.float32), happened),
        ndcg=_ndcg(chance, rows, happened),
        fit_cpu_s=seconds,
    )


def _losses(
    chance: NDArray[np.float64], happened: NDArray[np.bool_], rows: Rows
) -> NDArray[np.float64]:
    """[n_requests] each shopper's part of the log loss, so that the mean is per thousand rows."""
    p = np.clip(chance, 1e-6, 1 - 1e-6)
    loss = -np.log(np.where(happened, p, 1 - p))
    n = len(rows.shown.indptr) - 1
    return np.bincount(rows.shown.request(), loss, n) * 1000 * n / len(loss)


def _ndcg(chance: NDArray[np.float64], rows: Rows, happened: NDArray[np.bool_]) -> float:
    """Of the shoppers who did it with one of their products; ties as the ranker has them."""
    some = np.bincount(rows.shown.request(), happened, len(rows.shown.indptr) - 1) > 0
    if not some.any():
        return float("nan")
    order = np.empty(len(chance), np.float32)
    order[np.lexsort((rows.signs[:, 1], chance))] = np.arange(len(chance))
    n_relevant = np.bincount(rows.shown.request(), happened, len(some)).astype(np.int64)
    values = ndcg(order, rows.shown.indptr, happened.astype(np.float32), n_relevant, K)
    return float(values[some].mean())
