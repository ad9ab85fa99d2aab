"""Logistic regression: is a candidate taken or not, whatever it stands beside.

The classic of click prediction, and the baseline for the listwise `linear` ranker: same weights of
standardised features, another loss. Rows that were thinned out count through the weight of those
that stand for them.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from scipy.optimize import minimize

from shelfwise.core.settings import Settings
from shelfwise.ranking.judged import JudgedLists
from shelfwise.ranking.linear import LinearRanker, check_learnable, standard, standardised


class LogisticConfig(Settings):
    """How the logistic regression is fitted."""

    l2: float = Field(default=30.0, ge=0)
    """Penalty on squared weights of standardised features, against the loss summed over requests;
    the level is not penalised."""
    max_iterations: int = Field(default=100, ge=1)
    """L-BFGS steps at most."""


def fit_logistic(lists: JudgedLists, config: LogisticConfig) -> LinearRanker:
    """The weights that explain best, row by row, which rows were relevant.

    The level of the log-odds is fitted and then left out: it moves all rows of a request alike.
    """
    learnable = check_learnable(lists)
    used = lists.take(learnable)
    mean, scale = standard(used.features)
    x = standardised(used.features, mean, scale)
    y = (used.relevance > 0).astype(np.float32)
    weight = used.row_weight()
    share = float((weight * y).sum() / weight.sum())
    begin = np.zeros(len(mean) + 1)
    begin[-1] = np.log(share / (1 - share))

    def objective(line: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        slope = line[:-1]
        odds = x @ slope.astype(np.float32) + np.float32(line[-1])
        loss = weight * (np.logaddexp(np.float32(0), odds) - y * odds)
        error = weight * (1 / (1 + np.exp(-odds)) - y)
        gradient = np.append(error @ x, error.sum(dtype=np.float64)).astype(np.float64)
        gradient[:-1] += config.l2 * slope
        total = float(loss.sum(dtype=np.float64)) + 0.5 * config.l2 * float(slope @ slope)
        return total / len(used), gradient / len(used)

    found = minimize(
        objective,
        begin,
        jac=True,
        method="L-BFGS-B",
        options={"maxiter": config.max_iterations, "ftol": 1e-6, "gtol": 1e-6},
    )
    weights = np.asarray(found.x[:-1], np.float32) * (scale > 0)
    return LinearRanker(lists.names, mean, scale, weights)
