"""First stage: every model proposes its best, and says what it thinks of the others' proposals."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numba import njit
from numpy.typing import NDArray

from shelfwise.core.candidates import Candidates
from shelfwise.core.model import NOT_SCORED, Model
from shelfwise.core.ragged import Ragged
from shelfwise.core.requests import Requests
from shelfwise.retrieval.topk import top_k

_LOG: Final = logging.getLogger(__name__)


def retrieve(
    models: Mapping[str, Model], requests: Requests, hidden: Ragged, per_source: int, n_items: int
) -> Candidates:
    """The union of each model's `per_source` best allowed items, scored by every model.

    `hidden` holds items a request must not show besides `requests.exclude` and those not eligible.
    `n_items` may exceed what a model was fitted on: later products it does not know are not scored.
    A model that fails costs its candidates, not the answer: the log says so.
    """
    scores = np.empty((len(models), len(requests), n_items), np.float32)
    best = np.empty((len(models), len(requests), per_source), np.int32)
    for position, (name, model) in enumerate(models.items()):
        try:
            scores[position] = allowed_scores(model, requests, hidden, n_items)
        except Exception:  # noqa: BLE001 - whatever a model raises, the others can answer
            _LOG.warning("Model %s failed; the others answer without it.", name, exc_info=True)
            scores[position] = NOT_SCORED
        best[position] = top_k(scores[position], per_source)[0]
    row, item, rank = _union(best, n_items)
    return Candidates(
        sources=tuple(models),
        request=row,
        item=item,
        score=_gather(scores, row, item),
        rank=rank,
        n_requests=len(requests),
    )


def allowed_scores(
    model: Model, requests: Requests, hidden: Ragged, n_items: int
) -> NDArray[np.float32]:
    """[n_requests, n_items] the model's scores, `NOT_SCORED` for items that may not be shown."""
    own = model.scores(requests)
    if own.shape[1] < n_items:
        wide = np.full((len(own), n_items), NOT_SCORED, np.float32)
        wide[:, : own.shape[1]] = own
        own = wide
    forbid(own, requests, hidden)
    return own


def forbid(scores: NDArray[np.float32], requests: Requests, hidden: Ragged) -> None:
    """Sets to `NOT_SCORED`, in place, what a request excludes, hides or is not eligible."""
    _forbid_listed(scores, hidden.indptr, hidden.values, NOT_SCORED)
    _forbid_listed(scores, requests.exclude.indptr, requests.exclude.values, NOT_SCORED)
    if requests.eligible is not None:
        np.putmask(scores, ~np.broadcast_to(requests.eligible, scores.shape), NOT_SCORED)


@njit(cache=True, nogil=True)
def _forbid_listed(scores: Any, indptr: Any, values: Any, mark: Any) -> None:
    for row in range(scores.shape[0]):
        for at in range(indptr[row], indptr[row + 1]):
            scores[row, values[at]] = mark


@njit(cache=True, nogil=True)
def _union(best: Any, n_items: int) -> Any:
    """Rows (request, item), by request and then first proposal, and each source's rank or 0."""
    n_sources, n_requests, k = best.shape
    row_of = np.full(n_items, -1, np.int64)
    request = np.empty(best.size, np.int32)
    item = np.empty(best.size, np.int32)
    rank = np.zeros((best.size, n_sources), np.int32)
    n_rows = 0
    for r in range(n_requests):
        first = n_rows
        for place in range(k):
            for source in range(n_sources):
                code = best[source, r, place]
                if code < 0:
                    continue
                if row_of[code] < first:
                    row_of[code] = n_rows
                    request[n_rows] = r
                    item[n_rows] = code
                    n_rows += 1
                rank[row_of[code], source] = place + 1
    return request[:n_rows], item[:n_rows], rank[:n_rows]


@njit(cache=True, nogil=True)
def _gather(scores: Any, row: Any, item: Any) -> Any:
    n_sources = scores.shape[0]
    out = np.empty((len(row), n_sources), np.float32)
    for source in range(n_sources):
        for i in range(len(row)):
            value = scores[source, row[i], item[i]]
            out[i, source] = value if np.isfinite(value) else np.nan
    return out
