"""A small shop that really answers: what is popular, unseen first; enough to test the API with."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from starlette.applications import Starlette

from shelfwise.core.errors import BadInputError
from shelfwise.core.event import Event, Product
from shelfwise.core.question import Question
from shelfwise.core.slate import Evidence, Reason, Slate, SlateItem
from shelfwise.serving.app import create_app
from shelfwise.serving.server import SHOP_VARIABLE, stop_with_parent
from shelfwise.store.event_log import EventLog
from shelfwise.store.log_record import Deletion, Erasure, Record


class SmallShop:
    """Orders products by how many events name them, those the shopper has seen last."""

    version = "small-1"

    def __init__(self, items: Sequence[str] = ("a", "b", "c"), offset: int = 0) -> None:
        self.offset = offset
        self.applied: list[int] = []
        self.batches: list[int] = []
        self.products = {item: Product(item, title=f"Product {item}") for item in items}
        self.events: list[Event] = []
        self.is_ready = True

    def ready(self) -> tuple[bool, str]:
        """What the test has set."""
        return self.is_ready, "" if self.is_ready else "no model yet"

    def apply(self, records: Sequence[Record]) -> None:
        """Takes in the records."""
        for record in records:
            self.applied.append(record.offset)
            content = record.content
            if isinstance(content, Event):
                self.events.append(content)
            elif isinstance(content, Product):
                self.products[content.item_id] = content
            elif isinstance(content, Deletion):
                self.products.pop(content.item_id, None)
            elif isinstance(content, Erasure):
                self.events = [one for one in self.events if one.user_id != content.user_id]

    def take_over(self, newer: SmallShop) -> None:
        """Answers as the newer shop."""
        vars(self).update(vars(newer))

    def product(self, item_id: str) -> Product | None:
        """The product, None when there is none."""
        return self.products.get(item_id)

    def user(self, user_id: str) -> dict[str, Any] | None:
        """The user's events."""
        items = [event.item_id for event in self.events if event.user_id == user_id]
        return {"user_id": user_id, "items": items} if items else None

    def recommend(self, question: Question, now_ms: int) -> Slate:
        """The most popular products, in two steps."""
        allowed = [item for item in self.products if self._fits(item, question)]
        counts = Counter(event.item_id for event in self.events)
        seen = {event.item_id for event in self.events if _same(event, question)}
        order = sorted(allowed, key=lambda item: (item in seen, -counts[item]))
        items = tuple(
            SlateItem(
                item,
                place,
                float(counts[item]),
                ("popular",),
                (Reason("popular", "Popular", (Evidence("events", counts[item], item),)),)
                if question.explain
                else (),
            )
            for place, item in enumerate(order[: question.n], 1)
        )
        asked = (*question.item_ids, *([question.item_id] if question.item_id else []))
        missing = tuple(item for item in asked if item not in self.products)
        return Slate(f"r{now_ms}", items, self.version, fallback=not seen, missing_ids=missing)

    def recommend_many(self, questions: Sequence[Question], now_ms: int) -> list[Slate]:
        """The answer to each."""
        self.batches.append(len(questions))
        return [self.recommend(question, now_ms) for question in questions]

    def _fits(self, item: str, question: Question) -> bool:
        if question.filter is None:
            return item not in question.exclude
        operands = question.filter.get("eq")
        if not isinstance(operands, list) or len(operands) != 2 or operands[0] != "brand":
            raise BadInputError(
                "Unknown filter.", remedy='Use {"eq": ["brand", NAME]}.', field="filter"
            )
        return item not in question.exclude and self.products[item].brand == operands[1]


def _same(event: Event, question: Question) -> bool:
    if question.user_id is not None and event.user_id == question.user_id:
        return True
    return question.session_id is not None and event.session_id == question.session_id


def create() -> Starlette:
    """The application of a small shop whose folder the server was given."""
    stop_with_parent()
    log = EventLog(Path(os.environ[SHOP_VARIABLE]) / "log" / "events.sqlite")
    return create_app(SmallShop(), log)
