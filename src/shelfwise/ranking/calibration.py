"""Scores as probabilities: what share of the candidates with this score is in fact taken.

A monotone curve never changes the order. Its error is to be measured on other rows than those it
was fitted on.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from shelfwise.core.errors import NotEnoughDataError
from shelfwise.core.model import ModelState
from shelfwise.core.settings import Settings


class CalibrationConfig(Settings):
    """How scores become probabilities."""

    method: Literal["auto", "isotonic", "platt"] = "auto"
    """isotonic: any rising curve; platt: a logistic curve, for few relevant rows; auto: isotonic
    from `isotonic_from` relevant rows."""
    isotonic_from: int = Field(default=500, ge=1)
    """Relevant rows from which auto trusts a free curve."""
    requests: int = Field(default=2000, ge=1)
    """Shoppers of the validation part, drawn at random, that the curves are learnt from at most."""
    places: int = Field(default=50, ge=1)
    """Places of each list that the curves are learnt from: what may be shown."""
    learner: Literal["curve", "auto"] = "curve"
    """curve: a chance rises with the score. auto: also a network over all features with heads for
    click, cart and purchase (`fusion.network` says its size; extra `deep`), which promises an
    outcome where it is surely better on held-out shoppers; it takes some 10 s more in training,
    and an order by chance is then not that by score."""
    least: int = Field(default=30, ge=1)
    """With fewer clicks or purchases among these places, no such probability is promised."""


@dataclass(frozen=True)
class Calibration:
    """A rising curve from score to probability: straight between knots, flat outside."""

    score: NDArray[np.float64]
    """[n_knots] ascending."""
    probability: NDArray[np.float64]
    """[n_knots] never falling."""

    @classmethod
    def fit(
        cls,
        scores: NDArray[np.float32],
        relevant: NDArray[np.bool_],
        config: CalibrationConfig,
    ) -> Calibration:
        """The curve that explains best which rows were relevant."""
        n_relevant = int(relevant.sum())
        if n_relevant == 0 or n_relevant == len(relevant):
            raise NotEnoughDataError(
                f"Of {len(relevant)} rows {n_relevant} are relevant.",
                remedy="Calibrate on rows of both kinds.",
            )
        method = config.method
        if method == "auto":
            method = "isotonic" if n_relevant >= config.isotonic_from else "platt"
        exact = scores.astype(np.float64)
        return cls(*(_isotonic if method == "isotonic" else _platt)(exact, relevant))

    def probabilities(self, scores: NDArray[np.float32]) -> NDArray[np.float32]:
        """[n_rows] the chance that each row is relevant."""
        out: NDArray[np.float64] = np.interp(scores, self.score, self.probability)
        return out.astype(np.float32)

    def state(self) -> ModelState:
        """The curve as plain data."""
        return ModelState({}, {"score": self.score, "probability": self.probability})

    @classmethod
    def from_state(cls, state: ModelState) -> Calibration:
        """The curve that `state` was taken from."""
        return cls(state.arrays["score"], state.arrays["probability"])


def expected_calibration_error(
    probabilities: NDArray[np.float32], relevant: NDArray[np.bool_], n_bins: int = 15
) -> float:
    """Mean gap between promised and true share, over bins of equally many rows (Naeini 2015).

    Bins of equal width would put nearly all rows, which are unlikely, into one.

    >>> p = np.array([0.5, 0.5], np.float32)
    >>> expected_calibration_error(p, np.array([True, False]), n_bins=1)
    0.0
    """
    if len(probabilities) == 0:
        return 0.0
    order = np.argsort(probabilities, kind="stable")
    gap = probabilities[order].astype(np.float64) - relevant[order]
    bins = np.arange(len(gap)) * n_bins // len(gap)
    # rows of one probability are one promise: they must not be told apart by their order
    value = probabilities[order]
    first = np.searchsorted(value, value, side="left")
    total = np.bincount(bins[first], gap)
    return float(np.abs(total).sum() / len(gap))


def _isotonic(
    scores: NDArray[np.float64], relevant: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Pool adjacent violators (Ayer et al. 1955), as a curve through the middle of each pool."""
    value, place = np.unique(scores, return_inverse=True)
    weight = np.bincount(place).astype(np.float64)
    taken = np.bincount(place, relevant.astype(np.float64))
    pools: list[list[float]] = []  # taken, rows, sum of scores
    for t, w, v in zip(taken.tolist(), weight.tolist(), value.tolist(), strict=True):
        pool = [t, w, v * w]
        while pools and pools[-1][0] * pool[1] >= pool[0] * pools[-1][1]:
            before = pools.pop()
            pool = [a + b for a, b in zip(before, pool, strict=True)]
        pools.append(pool)
    table = np.array(pools)
    return table[:, 2] / table[:, 1], table[:, 0] / table[:, 1]


def _platt(
    scores: NDArray[np.float64], relevant: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """A logistic curve with Platt's (1999) softened targets, at 257 knots; never falling."""
    centre, spread = float(scores.mean()), float(scores.std()) or 1.0
    x = (scores - centre) / spread
    n_yes = int(relevant.sum())
    n_no = len(relevant) - n_yes
    target = np.where(relevant, (n_yes + 1) / (n_yes + 2), 1 / (n_no + 2))
    slope, level = _logistic_line(x, target)
    knots = np.linspace(x.min(), x.max(), 257)
    if knots[0] == knots[-1]:
        knots = knots[:1]
    curve = 1 / (1 + np.exp(-(max(slope, 0.0) * knots + level)))
    return knots * spread + centre, curve


def _logistic_line(x: NDArray[np.float64], target: NDArray[np.float64]) -> tuple[float, float]:
    """Slope and level of the best log-odds line, by damped Newton steps."""
    line = np.array([0.0, np.log(target.mean() / (1 - target.mean()))])
    design = np.stack([x, np.ones_like(x)], axis=1)
    loss = np.inf
    step = np.zeros(2)
    for _ in range(100):
        odds = design @ line
        now = float(np.sum(np.logaddexp(0, odds) - target * odds))
        if now > loss + 1e-12:
            step = step / 2
            line = line + step
            continue
        if loss - now < 1e-10 * len(x):
            break
        loss = now
        chance = 1 / (1 + np.exp(-odds))
        gradient = design.T @ (chance - target)
        curvature = (design * (chance * (1 - chance))[:, None]).T @ design
        step = np.linalg.solve(curvature + 1e-9 * np.eye(2), gradient)
        line = line - step
    return float(line[0]), float(line[1])
