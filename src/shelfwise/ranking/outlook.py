"""What a row promises: the chance that it is clicked, and that it is bought.

A ranker's scores are comparable within a request only, so the chance is read from what is
comparable between requests: the row's share of its request's softmax (how much better than the
others it is) and its place. A logistic line through both, then a rising curve (`calibration`). By a
curve a higher score is never less likely, so an order by chance is the order by score; not so where
the funnel's network takes its place (`chance_network`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal

import msgspec
import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.optimize import minimize

from shelfwise.core.model import ModelState
from shelfwise.ranking.calibration import (
    Calibration,
    CalibrationConfig,
    expected_calibration_error,
)
from shelfwise.ranking.chance_network import Learnt, ShownRows, log_losses, surely_better
from shelfwise.ranking.funnel import FunnelNetwork

OUTCOMES: Final = ("click", "purchase")
_NETWORK: Final = "network-"
_LEAST_SHARE: Final = -20.0
"""Log shares below this are alike: nobody takes such a row."""


@dataclass(frozen=True)
class OutcomeReport:
    """How far a probability can be trusted, on requests that neither ranker nor curve had seen."""

    requests: int
    happened: int
    """Rows among the first places that were in fact clicked or bought."""
    rate: float
    """The same as a share of these rows."""
    promised: float
    """Mean probability of these rows."""
    calibration_error: float
    """Expected calibration error over the first `k` rows, in 15 bins of equally many rows."""
    uncalibrated_error: float
    """The same of the softmax share itself."""
    k: int
    days: float | None
    """How long after the request it could happen; None: the shopper's next choice."""
    by: Literal["curve", "network"] = "curve"
    """What promises."""
    log_loss: dict[str, float] = field(default_factory=dict)
    """By what could promise (`curve`, `network`), mean negative log likelihood of the rows that the
    curves are learnt from, in nats, each promised by what had learnt from other shoppers."""


@dataclass(frozen=True)
class OutcomeCurve:
    """From scores to the chance of one outcome."""

    slopes: tuple[float, float]
    """Of the log share, and of less log place; not below 0."""
    curve: Calibration

    @classmethod
    def fit(
        cls,
        scores: NDArray[np.float32],
        indptr: NDArray[np.int64],
        happened: NDArray[np.bool_],
        config: CalibrationConfig,
    ) -> OutcomeCurve:
        """The curve of the first `config.places` rows of each request; both kinds must be there."""
        signs, place = evidence(scores, indptr)
        shown = place <= config.places
        x, y = signs[shown].astype(np.float64), happened[shown]
        slopes = _rising_line(x, y)
        lines = (x @ np.array(slopes)).astype(np.float32)
        return cls(slopes, Calibration.fit(lines, y, config))

    def probabilities(self, signs: NDArray[np.float32]) -> NDArray[np.float32]:
        """[n_rows] the chance of each row, from its `evidence`."""
        return self.curve.probabilities(signs @ np.asarray(self.slopes, np.float32))


@dataclass(frozen=True)
class Outlook:
    """The chances of each outcome; without a curve nothing is promised."""

    curves: dict[str, OutcomeCurve] = field(default_factory=dict)
    reports: dict[str, OutcomeReport] = field(default_factory=dict)
    network: FunnelNetwork | None = None
    """Promises the outcomes whose report says so, of rows in the first `places`."""
    places: int = 0

    def chances(
        self,
        scores: NDArray[np.float32],
        indptr: NDArray[np.int64],
        features: NDArray[np.float32] | None = None,
    ) -> dict[str, NDArray[np.float32]]:
        """By outcome, [n_rows] the chance of each row; `scores` must be all of each request.

        `features` [n_rows, n_features] are those the ranker read.
        """
        if not self.curves:
            return {}
        signs, place = evidence(scores, indptr)
        out = {name: curve.probabilities(signs) for name, curve in self.curves.items()}
        if self.network is not None and features is not None:
            rows = np.flatnonzero(place <= self.places)
            for name, chance in self.network.probabilities(features[rows]).items():
                if name in out and self.reports[name].by == "network":
                    out[name][rows] = chance
        return out

    def state(self) -> ModelState:
        """The curves and reports as plain data."""
        settings = {
            "slopes": {name: list(curve.slopes) for name, curve in self.curves.items()},
            "reports": msgspec.to_builtins(self.reports),
            "places": self.places,
        }
        arrays = {
            f"{name}-{part}": array
            for name, curve in self.curves.items()
            for part, array in curve.curve.state().arrays.items()
        }
        if self.network is not None:
            inner = self.network.state()
            settings["network"] = inner.settings
            arrays |= {f"{_NETWORK}{name}": array for name, array in inner.arrays.items()}
        return ModelState(settings, arrays)

    @classmethod
    def from_state(cls, state: ModelState) -> Outlook:
        """The outlook that `state` was taken from."""
        arrays = state.arrays
        curves = {
            name: OutcomeCurve(
                (slopes[0], slopes[1]),
                Calibration(arrays[f"{name}-score"], arrays[f"{name}-probability"]),
            )
            for name, slopes in state.settings["slopes"].items()
        }
        reports = msgspec.convert(state.settings["reports"], dict[str, OutcomeReport])
        network = None
        if "network" in state.settings:
            own = {
                name.removeprefix(_NETWORK): array
                for name, array in arrays.items()
                if name.startswith(_NETWORK)
            }
            network = FunnelNetwork.from_state(ModelState(state.settings["network"], own))
        return cls(curves, reports, network, state.settings.get("places", 0))

    def with_network(
        self, learnt: Learnt, rows: ShownRows, promised: Mapping[str, NDArray[np.float32]], k: int
    ) -> Outlook:
        """The outlook with the network for the outcomes that it surely promises better.

        `promised` are what the curves promise the rows, by outcome, as `across_halves` gives it.
        """
        reports = {
            name: _compared(report, learnt.promised[name], promised[name], name, rows, k)
            if name in learnt.promised
            else report
            for name, report in self.reports.items()
        }
        taken = any(one.by == "network" for one in reports.values())
        places = int(np.diff(rows.indptr).max(initial=0))
        return Outlook(self.curves, reports, learnt.network if taken else None, places)


def learn_outcome(
    scores: NDArray[np.float32],
    indptr: NDArray[np.int64],
    happened: NDArray[np.bool_],
    config: CalibrationConfig,
    *,
    k: int,
    days: float | None,
) -> tuple[OutcomeCurve, OutcomeReport] | None:
    """The curve of all requests, and its error measured across two halves; None: too few rows.

    Requests are halved by their place, which must be random.
    """
    signs, place = evidence(scores, indptr)
    first, shown = place <= k, place <= config.places
    half = _half(indptr)
    counts = [int(happened[shown & part].sum()) for part in (half, ~half)]
    if sum(counts) < config.least or min(counts) == 0:
        return None
    promised = across_halves(scores, indptr, happened, config)
    report = OutcomeReport(
        requests=len(indptr) - 1,
        happened=int(happened[first].sum()),
        rate=float(happened[first].mean()),
        promised=float(promised[first].mean()),
        calibration_error=expected_calibration_error(promised[first], happened[first]),
        uncalibrated_error=expected_calibration_error(np.exp(signs[first, 0]), happened[first]),
        k=k,
        days=days,
    )
    return OutcomeCurve.fit(scores, indptr, happened, config), report


def across_halves(
    scores: NDArray[np.float32],
    indptr: NDArray[np.int64],
    happened: NDArray[np.bool_],
    config: CalibrationConfig,
) -> NDArray[np.float32]:
    """[n_rows] what a curve of the other half of the requests promises each row."""
    signs, half = evidence(scores, indptr)[0], _half(indptr)
    promised = np.empty(len(scores), np.float32)
    for part in (half, ~half):
        rows = np.flatnonzero(part)
        own = np.append(
            0, np.cumsum(np.bincount(_request(indptr)[rows], minlength=len(indptr) - 1))
        )
        other = OutcomeCurve.fit(scores[rows], own, happened[rows], config)
        promised[~part] = other.probabilities(signs[~part])
    return promised


def _half(indptr: NDArray[np.int64]) -> NDArray[np.bool_]:
    """[n_rows] whether a row's request is in the first of the two halves."""
    return np.repeat(np.arange(len(indptr) - 1) % 2 == 0, np.diff(indptr))


def _compared(
    report: OutcomeReport,
    network: NDArray[np.float32],
    curve: NDArray[np.float32],
    outcome: str,
    rows: ShownRows,
    k: int,
) -> OutcomeReport:
    """The report, by the network where that is surely better."""
    happened = rows.happened[outcome]
    losses = {
        "curve": float(log_losses(curve, happened).mean()),
        "network": float(log_losses(network, happened).mean()),
    }
    if not surely_better(network, curve, happened, rows.indptr):
        return replace(report, log_loss=losses)
    first = rows.place <= k
    return replace(
        report,
        by="network",
        log_loss=losses,
        promised=float(network[first].mean()),
        calibration_error=expected_calibration_error(network[first], happened[first]),
    )


def evidence(
    scores: NDArray[np.float32], indptr: NDArray[np.int64]
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """[n_rows, 2] log of the softmax share and less the log of the place; and the place, from 1.

    >>> signs, place = evidence(np.zeros(2, np.float32), np.array([0, 2]))
    >>> np.exp(signs[:, 0]).tolist(), place.tolist()
    ([0.5, 0.5], [1, 2])
    """
    signs = np.empty((len(scores), 2), np.float32)
    place = np.empty(len(scores), np.int64)
    _evidence(scores, indptr, signs, place)
    return signs, place


def _request(indptr: NDArray[np.int64]) -> NDArray[np.int64]:
    """[n_rows] which request each row belongs to."""
    return np.repeat(np.arange(len(indptr) - 1), np.diff(indptr))


def _rising_line(x: NDArray[np.float64], y: NDArray[np.bool_]) -> tuple[float, float]:
    """Slopes, none below 0, of the logistic line that explains best what happened."""
    mean, spread = x.mean(axis=0), np.maximum(x.std(axis=0), 1e-9)
    standard = np.column_stack([(x - mean) / spread, np.ones(len(x))])
    target = y.astype(np.float64)

    def objective(line: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        odds = standard @ line
        loss = float(np.mean(np.logaddexp(0, odds) - target * odds))
        return loss, standard.T @ (1 / (1 + np.exp(-odds)) - target) / len(target)

    share = target.mean()
    begin = np.array([0.1, 0.1, np.log(share / (1 - share))])
    bounds = [(0, None), (0, None), (None, None)]
    found = minimize(objective, begin, jac=True, method="L-BFGS-B", bounds=bounds)
    slopes = found.x[:2] / spread
    return float(slopes[0]), float(slopes[1])


@njit(cache=True, nogil=True)
def _evidence(scores: Any, indptr: Any, signs: Any, place: Any) -> None:
    for r in range(len(indptr) - 1):
        start, stop = indptr[r], indptr[r + 1]
        if start == stop:
            continue
        own = scores[start:stop]
        order = np.argsort(-own, kind="mergesort")
        highest = own[order[0]]
        total = 0.0
        for i in range(stop - start):
            total += math.exp(own[i] - highest)
        level = highest + math.log(total)
        for p in range(stop - start):
            i = order[p]
            signs[start + i, 0] = max(own[i] - level, _LEAST_SHARE)
            signs[start + i, 1] = -math.log(p + 1.0)
            place[start + i] = p + 1
