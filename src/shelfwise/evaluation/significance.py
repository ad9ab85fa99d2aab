"""Which models really differ: every pair compared shopper by shopper, corrected for their number.

Paired Student's t-test: on test collections it agrees with the randomisation and the bootstrap
test (Smucker, Allan and Carterette, CIKM 2007), and unlike them its p-values are not bounded by the
number of draws, which Holm's correction of many pairs would turn into nothing significant.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import special

LEVEL: Final = 0.05
"""A corrected p-value below this is called significant."""


@dataclass(frozen=True)
class Pair:
    """Two models on the same requests; `first` has the higher mean."""

    first: str
    second: str
    difference: float
    """Mean of `first` minus that of `second`."""
    p_value: float
    """Two-sided, of this pair alone."""
    p_holm: float
    """Corrected for all pairs compared: their family-wise error is controlled (Holm 1979)."""

    @property
    def significant(self) -> bool:
        """Whether the difference holds at `LEVEL` after the correction."""
        return self.p_holm < LEVEL


def compare_all(values: Mapping[str, NDArray[np.float64]]) -> tuple[Pair, ...]:
    """Every pair of models by name; each with one value per request, the same requests for all."""
    order = sorted(values, key=lambda name: -float(values[name].mean()))
    names = list(combinations(order, 2))
    tested = [paired_t(values[first], values[second]) for first, second in names]
    corrected = holm([p for _, p in tested])
    return tuple(
        Pair(first, second, difference, p, p_holm)
        for (first, second), (difference, p), p_holm in zip(names, tested, corrected, strict=True)
    )


def paired_t(one: NDArray[np.float64], other: NDArray[np.float64]) -> tuple[float, float]:
    """The mean difference `one` - `other` and its two-sided p-value; both [n], request by request.

    1 where no request differs; NaN for fewer than two requests.

    >>> paired_t(np.array([1.0, 2.0, 4.0]), np.array([0.0, 2.0, 2.0]))[1].__round__(4)
    0.2254
    """
    gap = one - other
    n = len(gap)
    if n < 2:
        return float(gap.mean()) if n else float("nan"), float("nan")
    mean, spread = float(gap.mean()), float(np.sqrt(gap.var(ddof=1) / n))
    if spread == 0.0:
        return mean, 1.0 if mean == 0.0 else 0.0
    return mean, float(2 * special.stdtr(n - 1, -abs(mean / spread)))


def holm(p_values: Sequence[float]) -> list[float]:
    """The p-values corrected step by step, in the order given (Holm, Scand. J. Statistics 1979).

    A p-value that is NaN is of no test, and stays so.

    >>> holm([0.01, 0.04, 0.03])
    [0.03, 0.06, 0.06]
    """
    rising = sorted((p, at) for at, p in enumerate(p_values) if p == p)  # noqa: PLR0124 - not NaN
    out = [float("nan")] * len(p_values)
    worst = 0.0
    for tested, (p, at) in enumerate(rising):
        worst = max(worst, min(1.0, (len(rising) - tested) * p))
        out[at] = worst
    return out
