"""Rows shared out over threads, for compiled code that releases the interpreter lock.

A plain pool rather than Numba's own: it is safe to call from several server threads at once, costs
nothing for a batch of one, and leaves no OpenMP state behind that a fork would trip over.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from numba import config


def over_rows(work: Callable[[int, int], None], n_rows: int, piece: int) -> None:
    """Calls `work(start, stop)` for pieces of `piece` rows that cover all rows, in any order.

    One piece runs in the calling thread. As many threads run as `NUMBA_NUM_THREADS` says.
    """
    if n_rows <= piece:
        work(0, n_rows)
        return
    with ThreadPoolExecutor(config.NUMBA_NUM_THREADS) as pool:
        running = [
            pool.submit(work, start, min(start + piece, n_rows))
            for start in range(0, n_rows, piece)
        ]
        for one in running:
            one.result()
