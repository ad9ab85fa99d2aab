"""A shop that answers: one trained engine, kept up to date with every event and product change.

Not thread-safe by itself: one thread (an event loop) asks and applies.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from shelfwise.core.columns import EVENT_CODE, EVENT_TYPES, INTEREST_TYPES
from shelfwise.core.errors import BadInputError
from shelfwise.core.event import Event, Product
from shelfwise.core.question import Question
from shelfwise.core.ragged import Ragged
from shelfwise.core.requests import Requests, joined
from shelfwise.core.slate import Slate, SlateItem
from shelfwise.core.vocabulary import UNKNOWN
from shelfwise.features.reviews import ReviewFacts
from shelfwise.pipeline.engine import Engine
from shelfwise.pipeline.reasons import Labels, reasons_for
from shelfwise.pipeline.recommend import Ranked, part_size, recommend
from shelfwise.pipeline.shoppers import SESSION_PREFIX, Shoppers
from shelfwise.rerank.filters import filter_mask
from shelfwise.rerank.shelf import Shelf
from shelfwise.retrieval.content import Content
from shelfwise.retrieval.coupled import Coupled
from shelfwise.retrieval.sequential import Sequential
from shelfwise.retrieval.two_tower import TwoTower
from shelfwise.store.log_record import Deletion, Erasure, Record

MAX_ITEMS = 1000
"""Longest answer given."""
STALE_DAYS = 7.0
"""Without an event for so long the shop's clock stands still: see `LiveShop.clock`."""
_LEARNT_FROM = frozenset(INTEREST_TYPES)
_VIEW = EVENT_CODE["view"]


class LiveShop:
    """Answers questions in the shop's own ids, and takes in what happens."""

    def __init__(
        self,
        version: str,
        engine: Engine,
        products: pa.Table,
        shoppers: Shoppers,
        offset: int,
        last_event_ms: int,
    ) -> None:
        self.version = version
        self.offset = offset
        self._last_event_ms = last_event_ms
        self._engine = engine
        self._shoppers = shoppers
        self._shelf = Shelf.of(products)
        self._ids: list[str] = products.column("item_id").to_pylist()
        self._code = {item_id: code for code, item_id in enumerate(self._ids)}
        self._products = products
        self._changed: dict[int, Product] = {}
        self._events: dict[str, list[Event]] = {}
        self._masks: dict[str, NDArray[np.bool_]] = {}
        self._available = self._shelf.available()
        self._all_available = bool(self._available.all())
        self._labels = Labels(self._ids.__getitem__, self._title, self._price)

    @property
    def engine(self) -> Engine:
        """What answers now."""
        return self._engine

    @property
    def item_ids(self) -> Sequence[str]:
        """The product of each code of the engine."""
        return self._ids

    def ready(self) -> tuple[bool, str]:
        """Whether questions can be answered, and why not."""
        return True, f"model {self.version}"

    def clock(self, now_ms: int) -> int:
        """The time at the shop: now, or just after its last event where its data are old.

        An export of 2011 is answered as of 2011: by the wall clock all of it would be as stale.
        """
        stale = now_ms - self._last_event_ms > STALE_DAYS * 86_400_000
        return self._last_event_ms + 1000 if stale else now_ms

    def recommend(self, question: Question, now_ms: int) -> Slate:
        """The answer to one question; raises `BadInputError` for a filter that makes no sense."""
        return self._answer_together([question], now_ms)[0]

    def recommend_many(self, questions: Sequence[Question], now_ms: int) -> list[Slate]:
        """The answers to questions that share `n`, `seen`, `filter` and `placement`.

        Each is as it would be alone; all are answered together, in parts that fit in memory.
        """
        size = part_size(len(self._engine.models), self._engine.n_items)
        return [
            slate
            for start in range(0, len(questions), size)
            for slate in self._answer_together(questions[start : start + size], now_ms)
        ]

    def _answer_together(self, questions: Sequence[Question], now_ms: int) -> list[Slate]:
        asked = [self._requests(question, now_ms) for question in questions]
        requests = joined([request for request, _ in asked])
        ranked = recommend(
            self._engine, requests, seen=questions[0].seen, placement=questions[0].placement
        )
        return [
            self._slate(question, request, ranked.part(at), missing)
            for at, (question, (request, missing)) in enumerate(zip(questions, asked, strict=True))
        ]

    def apply(self, records: Sequence[Record]) -> None:
        """Takes in durable records, in the order of the log, each once."""
        for record in records:
            content = record.content
            if isinstance(content, Event):
                self._apply_event(content)
            elif isinstance(content, Product):
                self._apply_product(content)
            elif isinstance(content, Deletion):
                self._apply_deletion(content)
            else:
                self._apply_erasure(content)

    def take_over(self, newer: Self) -> None:
        """Answers as `newer`, which is not used by itself any more, from the next question on.

        All who hold this shop, routes and pages alike, need no other reference.
        """
        vars(self).update(vars(newer))
        self._labels = Labels(self._ids.__getitem__, self._title, self._price)

    def product(self, item_id: str) -> Product | None:
        """The product as it is now; None when there is none (any more)."""
        code = self._code.get(item_id)
        if code is None or self._shelf.removed[code]:
            return None
        return self._changed.get(code) or _product(self._products, code)

    def reviews(self, item_id: str) -> ReviewFacts | None:
        """What reviews say of the product; None when there are none, or no such product."""
        code = self._code.get(item_id)
        facts = None if code is None else self._engine.tables.reviews.facts(code)
        return facts if facts is not None and facts.n else None

    def some_shopper(self) -> str | None:
        """A known shopper with a typical amount of history, for a first look; None: nobody yet."""
        return self._shoppers.typical()

    def user(self, user_id: str) -> dict[str, Any] | None:
        """Everything held about a user, as JSON: their events, oldest first."""
        user_id = self._shoppers.known_as(user_id)
        if user_id not in self._shoppers:
            return None
        history = self._shoppers.history([user_id], [])
        return {
            "user_id": user_id,
            "events": [
                {
                    "item_id": self._ids[item],
                    "event_type": EVENT_TYPES[kind],
                    "timestamp": int(time_ms),
                }
                for item, kind, time_ms in zip(
                    history.item, history.type, history.time_ms, strict=True
                )
            ],
        }

    def _requests(self, question: Question, now_ms: int) -> tuple[Requests, list[str]]:
        now_ms = self.clock(now_ms)
        missing = []
        keys = []
        if question.user_id is not None:
            user_id = self._shoppers.known_as(question.user_id)
            keys.append(user_id)
            if user_id not in self._shoppers:
                missing.append(question.user_id)
        if question.session_id is not None:
            keys.append(SESSION_PREFIX + question.session_id)
        anchors = (*question.item_ids, *([question.item_id] if question.item_id else ()))
        visit = []
        for item_id in anchors:
            code = self._code.get(item_id)
            if code is None:
                missing.append(item_id)
            else:
                visit.append((code, _VIEW, now_ms))
        history = self._shoppers.history(keys, visit)
        banned = [self._code[item_id] for item_id in question.exclude if item_id in self._code]
        banned += [code for code, _, _ in visit]
        return Requests(
            history=history,
            user=np.full(1, UNKNOWN, np.int32),
            now_ms=np.asarray([now_ms], np.int64),
            n=question.n,
            exclude=Ragged.of([banned]),
            eligible=self._eligible(question.filter),
        ), missing

    def _eligible(self, expression: dict[str, Any] | None) -> NDArray[np.bool_] | None:
        """[1, n_items] what may be shown; None: everything."""
        if expression is None:
            return None if self._all_available else self._available[None, :]
        try:
            key = json.dumps(expression, sort_keys=True)
        except (TypeError, ValueError, RecursionError):
            raise BadInputError(
                "The filter is not plain JSON.", remedy="Send an object.", field="filter"
            ) from None
        mask = self._masks.get(key)
        if mask is None:
            mask = filter_mask(self._shelf, expression) & self._available
            if len(self._masks) >= 256:
                self._masks.clear()
            self._masks[key] = mask
        return mask[None, :]

    def _slate(
        self, question: Question, requests: Requests, ranked: Ranked, missing: list[str]
    ) -> Slate:
        reasons = (
            reasons_for(
                self._engine.models, requests, ranked, self._labels, self._engine.tables.reviews
            )
            if question.explain
            else [()] * len(ranked.item)
        )
        items = tuple(
            SlateItem(
                item_id=self._ids[ranked.item[row]],
                position=row + 1,
                score=float(ranked.score[row]),
                sources=_sources(ranked, row),
                reasons=reasons[row],
                p_click=_chance(ranked, "click", row),
                p_purchase=_chance(ranked, "purchase", row),
            )
            for row in range(len(ranked.item))
        )
        return Slate(
            recommendation_id=secrets.token_hex(12),
            items=items,
            model=self.version,
            fallback=len(requests.history.item) == 0,
            missing_ids=tuple(missing),
        )

    def _apply_event(self, event: Event) -> None:
        if event.event_type not in _LEARNT_FROM or event.item_id is None:
            return
        code = self._code.get(event.item_id)
        if code is None:
            return
        self._last_event_ms = max(self._last_event_ms, event.time_ms)
        kind = EVENT_CODE[event.event_type]
        key = event.user_id or f"{SESSION_PREFIX}{event.session_id}"
        self._shoppers.add(key, code, kind, event.time_ms)

    def _apply_product(self, product: Product) -> None:
        code = self._code.get(product.item_id)
        if code is None:
            code = len(self._ids)
            self._ids.append(product.item_id)
            self._code[product.item_id] = code
            self._extend(product)
        self._changed[code] = product
        worth = self._engine.worth.with_product(code, product)
        self._engine = replace(self._engine, worth=worth)
        self._set_shelf(self._shelf.with_product(code, product))

    def _apply_deletion(self, deletion: Deletion) -> None:
        code = self._code.get(deletion.item_id)
        if code is not None:
            self._set_shelf(self._shelf.without(code))

    def _apply_erasure(self, erasure: Erasure) -> None:
        self._shoppers.forget(erasure.user_id)
        for session in erasure.session_ids:
            self._shoppers.forget(SESSION_PREFIX + session)

    def _set_shelf(self, shelf: Shelf) -> None:
        self._shelf = shelf
        self._available = shelf.available()
        self._all_available = bool(self._available.all())
        self._masks.clear()

    def _extend(self, product: Product) -> None:
        """Makes room for a product that came after training; content models know it at once."""
        engine = self._engine
        models = {
            name: (
                model.with_product(product)
                if isinstance(model, Content | Coupled | TwoTower | Sequential)
                else model
            )
            for name, model in engine.models.items()
        }
        self._engine = replace(
            engine,
            models=models,
            tables=engine.tables.with_products([product]),
            seen=engine.seen.with_item(),
            n_items=engine.n_items + 1,
            order_of_last_resort=np.append(engine.order_of_last_resort, np.int32(engine.n_items)),
        )

    def _title(self, code: int) -> str | None:
        column = self._shelf.text["title"]
        at = column.code[code]
        return None if at < 0 else column.values[at]

    def _price(self, code: int) -> float | None:
        price = float(self._shelf.price[code])
        return None if np.isnan(price) else price


def _chance(ranked: Ranked, outcome: str, row: int) -> float | None:
    chance = float(ranked.chances[outcome][row]) if outcome in ranked.chances else np.nan
    return None if np.isnan(chance) else chance


def _sources(ranked: Ranked, row: int) -> tuple[str, ...]:
    """The sources that gave to the score, largest first."""
    share = ranked.source_share[row]
    order = np.argsort(-share, kind="stable")
    return tuple(ranked.sources[at] for at in order if share[at] > 0)


def _product(products: pa.Table, code: int) -> Product:
    row: dict[str, Any] = products.slice(code, 1).to_pylist()[0]
    lists = {"attributes", "also_bought", "also_viewed"}
    values: dict[str, Any] = {
        name: tuple(value or ()) if name in lists else value for name, value in row.items()
    }
    return Product(**values)
