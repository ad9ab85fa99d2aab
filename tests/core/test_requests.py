"""Batches of questions."""

from __future__ import annotations

import numpy as np

from shelfwise.core.ragged import Ragged
from shelfwise.core.requests import Histories, Requests


def test_questions_taken_by_place_keep_what_is_theirs() -> None:
    history = Histories.of_items(Ragged.of([[1, 2], [], [3, 4, 5]]))
    requests = Requests.of_histories(history, 7, user=np.array([10, 11, 12], np.int32))
    taken = requests.take(np.array([2, 0, 1]))
    assert taken.user.tolist() == [12, 10, 11]
    assert taken.history.indptr.tolist() == [0, 3, 5, 5]
    assert taken.history.item.tolist() == [3, 4, 5, 1, 2]
    assert taken.now_ms.tolist() == requests.now_ms[[2, 0, 1]].tolist()
    assert taken.n == 7
    assert len(requests.take(np.array([], np.int64))) == 0
