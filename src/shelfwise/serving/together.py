"""Questions that wait at the same moment are answered together.

Most of a single answer is a fixed cost: every model is asked, its scores are searched, whatever
they are for. A batch pays that once, and reads the item factors from memory once. Under load
several questions are read from their sockets in one turn of the event loop; those are the batch.
A question that comes alone is answered at once, as before.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from shelfwise.core.errors import ShelfwiseError
from shelfwise.core.question import Question
from shelfwise.core.slate import Slate
from shelfwise.serving.live import Live

MOST: int = 8
"""Questions answered in one go; more would keep events and health checks waiting."""


@dataclass
class Together:
    """Collects the questions of one event loop, and answers them in batches."""

    live: Live
    now_ms: Callable[[], int]
    waiting: list[tuple[Question, asyncio.Future[Slate]]] = field(default_factory=list)

    async def recommend(self, question: Question) -> Slate:
        """The answer; raises what `Live.recommend` raises."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Slate] = loop.create_future()
        self.waiting.append((question, future))
        if len(self.waiting) == 1:
            loop.call_soon(self._answer)
        return await future

    def _answer(self) -> None:
        first = _alike(self.waiting[0][0])
        batch = [one for one in self.waiting if _alike(one[0]) == first][:MOST]
        taken = {id(future) for _, future in batch}
        self.waiting = [one for one in self.waiting if id(one[1]) not in taken]
        if self.waiting:
            asyncio.get_running_loop().call_soon(self._answer)
        wanted = [one for one in batch if not one[1].done()]  # a client may have gone
        try:
            slates = self.live.recommend_many([question for question, _ in wanted], self.now_ms())
        except ShelfwiseError:
            self._one_by_one(wanted)
            return
        except Exception as error:  # noqa: BLE001 - each waiting request must hear of it
            for _, future in wanted:
                future.set_exception(error)
            return
        for (_, future), slate in zip(wanted, slates, strict=True):
            future.set_result(slate)

    def _one_by_one(self, wanted: Sequence[tuple[Question, asyncio.Future[Slate]]]) -> None:
        """Where one question of a batch is at fault, the others still get their answers."""
        for question, future in wanted:
            try:
                future.set_result(self.live.recommend(question, self.now_ms()))
            except Exception as error:  # noqa: BLE001 - it is raised again where it is awaited
                future.set_exception(error)


def _alike(question: Question) -> tuple[int, str, str, str | None]:
    """What questions must share to be answered in one batch."""
    expression = "" if question.filter is None else json.dumps(question.filter, sort_keys=True)
    return question.n, question.seen, expression, question.placement
