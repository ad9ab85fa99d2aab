"""`POST /v1/recommend`: one question, answered in the event loop as it takes a few milliseconds.

Questions that wait at the same moment share a batch: see `serving.together`.
"""

from __future__ import annotations

import math
from typing import Any

from shelfwise.core.errors import BadInputError
from shelfwise.core.question import Question
from shelfwise.core.slate import Reason, Slate
from shelfwise.serving.endpoint import Call
from shelfwise.serving.reply import Reply
from shelfwise.serving.service import Service
from shelfwise.serving.structs import (
    EvidenceAnswer,
    ItemAnswer,
    ReasonAnswer,
    RecommendAnswer,
    RecommendBody,
)

_LARGEST_INTEGER = 1 << 63


async def post(service: Service, call: Call) -> Reply:
    """The slate."""
    body: RecommendBody = call.body
    _check_numbers(body.filter)
    question = Question(
        user_id=body.user_id,
        session_id=body.session_id,
        item_id=body.item_id,
        item_ids=tuple(body.item_ids),
        placement=body.placement,
        n=body.n,
        filter=body.filter,
        exclude=tuple(body.exclude),
        explain=body.explain,
        seen=body.seen,
    )
    slate = await service.together.recommend(question)
    service.metrics.recommendation(fallback=slate.fallback)
    return Reply.json(answer_of(slate))


def answer_of(slate: Slate) -> RecommendAnswer:
    """The slate as the API shows it."""
    items = [
        ItemAnswer(
            item.item_id,
            item.position,
            item.score,
            item.sources,
            [_reason(reason) for reason in item.reasons],
            item.p_click,
            item.p_purchase,
        )
        for item in slate.items
    ]
    return RecommendAnswer(
        slate.recommendation_id, items, slate.fallback, slate.missing_ids, slate.model
    )


def _reason(reason: Reason) -> ReasonAnswer:
    evidence = [EvidenceAnswer(fact.name, fact.value, fact.item_id) for fact in reason.evidence]
    return ReasonAnswer(reason.kind, reason.text, evidence)


def _check_numbers(expression: Any) -> None:
    """Refuses integers that no float can hold; JSON may write them, arrays cannot compare them."""
    waiting = [expression]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            waiting.extend(value.values())
        elif isinstance(value, list):
            waiting.extend(value)
        elif isinstance(value, int) and abs(value) >= _LARGEST_INTEGER:
            digits = math.ceil(value.bit_length() * math.log10(2))
            raise BadInputError(
                f"'filter' has an integer of some {digits} digits.",
                remedy="Give a number below 2^63.",
                field="filter",
            )
