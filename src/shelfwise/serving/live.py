"""What the API needs of a shop that answers; `pipeline.live.LiveShop` is one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, Self

from shelfwise.core.event import Product
from shelfwise.core.question import Question
from shelfwise.core.slate import Slate
from shelfwise.store.log_record import Record


class Live(Protocol):
    """A shop in the memory of this process, asked and told by one thread."""

    @property
    def version(self) -> str:
        """The model that answers."""
        ...

    @property
    def offset(self) -> int:
        """The log's offset up to which everything was counted when the shop was opened."""
        ...

    def recommend(self, question: Question, now_ms: int) -> Slate:
        """The answer to one question; raises `BadInputError` for a filter that makes no sense."""
        ...

    def recommend_many(self, questions: Sequence[Question], now_ms: int) -> list[Slate]:
        """The answers to questions that share `n`, `seen` and `filter`, as each gets alone."""
        ...

    def apply(self, records: Sequence[Record]) -> None:
        """Takes in durable records, in the order of the log, each once."""
        ...

    def take_over(self, newer: Self) -> None:
        """Answers as `newer`, which is not used by itself any more, from the next question on."""
        ...

    def product(self, item_id: str) -> Product | None:
        """The product as it is now; None when there is none (any more)."""
        ...

    def user(self, user_id: str) -> dict[str, Any] | None:
        """Everything held about a user, as JSON; None when that is nothing."""
        ...

    def ready(self) -> tuple[bool, str]:
        """Whether questions can be answered, and why not."""
        ...
