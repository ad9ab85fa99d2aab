"""Questions that wait at the same moment share a batch, and each gets its own answer."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest
from tests.serving.small_shop import SmallShop

from shelfwise.core.errors import BadInputError
from shelfwise.core.question import Question
from shelfwise.core.slate import Slate
from shelfwise.serving.together import MOST, Together

NOW_MS = 1_700_000_000_000


def ask(shop: SmallShop, questions: Sequence[Question]) -> list[Slate | BaseException]:
    """What each of the questions gets when all are asked in one turn of the loop."""

    async def all_at_once() -> list[Slate | BaseException]:
        together = Together(shop, lambda: NOW_MS)
        asked = (together.recommend(question) for question in questions)
        return await asyncio.gather(*asked, return_exceptions=True)

    return asyncio.run(all_at_once())


def test_a_batch_answers_each_as_alone() -> None:
    shop = SmallShop()
    questions = [
        Question(user_id="u", n=2),
        Question(user_id="v", n=2, exclude=("a",)),
        Question(user_id="w", n=2, explain=False),
    ]
    assert ask(shop, questions) == [shop.recommend(one, NOW_MS) for one in questions]
    assert shop.batches == [3]


def test_a_question_alone_is_a_batch_of_one() -> None:
    shop = SmallShop()
    ask(shop, [Question(user_id="u", n=1)])
    assert shop.batches == [1]


def test_what_differs_in_number_or_filter_is_asked_apart_and_never_more_than_most() -> None:
    shop = SmallShop()
    same = [Question(user_id=f"u{at}", n=3) for at in range(MOST + 2)]
    odd = Question(user_id="u", n=2)
    answers = ask(shop, [*same, odd])
    assert all(isinstance(answer, Slate) for answer in answers)
    assert shop.batches == [MOST, 2, 1]
    assert len(answers[-1].items) == 2  # type: ignore[union-attr]


class OneRefused(SmallShop):
    """Refuses the shopper called wrong."""

    def recommend(self, question: Question, now_ms: int) -> Slate:
        """The answer, but to the one."""
        if question.user_id == "wrong":
            raise BadInputError("No.", remedy="Be another.")
        return super().recommend(question, now_ms)


def test_a_refused_question_fails_only_itself() -> None:
    answers = ask(OneRefused(), [Question(user_id=user, n=2) for user in ("u", "wrong", "v")])
    assert [type(answer) for answer in answers] == [Slate, BadInputError, Slate]


class Broken(SmallShop):
    """Has a defect."""

    def recommend(self, question: Question, now_ms: int) -> Slate:
        """Never an answer."""
        raise RuntimeError(f"a defect at {now_ms} for {question.user_id}")


def test_a_defect_reaches_everyone_who_waits() -> None:
    answers = ask(Broken(), [Question(user_id=user, n=2) for user in ("u", "v")])
    assert [type(answer) for answer in answers] == [RuntimeError, RuntimeError]


def test_a_client_that_went_away_holds_nobody_up() -> None:
    async def one_leaves() -> Slate:
        together = Together(SmallShop(), lambda: NOW_MS)
        gone = asyncio.ensure_future(together.recommend(Question(user_id="u", n=2)))
        stays = asyncio.ensure_future(together.recommend(Question(user_id="v", n=2)))
        await asyncio.sleep(0)
        gone.cancel()
        with pytest.raises(asyncio.CancelledError):
            await gone
        return await stays

    assert len(asyncio.run(one_leaves()).items) == 2
