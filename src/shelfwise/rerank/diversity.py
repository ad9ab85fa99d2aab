"""A dial from pure relevance to variety: no row of ten products of one brand and category.

Greedy maximal marginal relevance (Carbonell and Goldstein 1998) over product groups instead of
vectors: an item loses by the share of the items already chosen that are like it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def diversify(
    scores: NDArray[np.float32], groups: NDArray[np.int32], n: int, dial: float
) -> NDArray[np.int64]:
    """Positions of the `n` chosen, in order, from candidates sorted best first.

    `groups` [n_candidates, n_groupings] are codes such as brand and category; -1 is like nothing.
    `dial` 0 keeps the order, 1 looks at variety alone. Ties go to the more relevant.

    >>> diversify(np.array([3, 2.9, 1], np.float32), np.array([[0], [0], [1]]), 2, 0.5).tolist()
    [0, 2]
    """
    n = min(n, len(scores))
    if dial <= 0 or n == 0:
        return np.arange(n, dtype=np.int64)
    low, high = float(scores.min()), float(scores.max())
    relevance = (scores - low) / (high - low) if high > low else np.ones(len(scores))
    likeness = np.zeros(len(scores))
    free = np.ones(len(scores), np.bool_)
    chosen = np.empty(n, np.int64)
    for place in range(n):
        value = (1 - dial) * relevance - dial * likeness / max(place, 1)
        best = int(np.argmax(np.where(free, value, -np.inf)))
        chosen[place] = best
        free[best] = False
        same = (groups == groups[best]) & (groups >= 0)
        likeness += same.mean(axis=1)
    return chosen
