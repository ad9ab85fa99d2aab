"""Work shared out over threads, for compiled code that releases the interpreter lock.

A plain pool rather than Numba's own: it is safe to call from several threads at once, costs
nothing for a small piece of work, and leaves no OpenMP state behind that a fork would trip over.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor


def n_threads() -> int:
    """How many threads to use: `NUMBA_NUM_THREADS` if set, else the processors we may use."""
    asked = os.environ.get("NUMBA_NUM_THREADS", "")
    return int(asked) if asked.isdecimal() and int(asked) > 0 else len(os.sched_getaffinity(0))


def wide_piece(n_rows: int, least: int) -> int:
    """How many rows to a piece of work that begins by clearing a row of scratch of its own.

    At least `least`, and more where rows are many: pieces of one size would clear the square of
    the rows in all.
    """
    return max(least, n_rows // (16 * n_threads()))


def over_rows(work: Callable[[int, int], None], n_rows: int, piece: int) -> None:
    """Calls `work(start, stop)` for pieces of `piece` rows that cover all rows, in any order.

    One piece runs in the calling thread. An error in a piece is raised here.
    """
    if n_rows <= piece:
        work(0, n_rows)
        return
    with ThreadPoolExecutor(n_threads()) as pool:
        running = [
            pool.submit(work, start, min(start + piece, n_rows))
            for start in range(0, n_rows, piece)
        ]
        for one in running:
            one.result()
