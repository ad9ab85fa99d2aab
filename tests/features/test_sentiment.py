from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from shelfwise.features.sentiment import clause_values, text_values
from shelfwise.features.tokens import Tokens


def scores(*texts: str) -> NDArray[np.float64]:
    """One value a text."""
    tokens = Tokens.of(texts)
    return text_values(tokens, *clause_values(tokens))


@pytest.mark.parametrize(
    ("kinder", "less_kind"),
    [
        ("It is good.", "It is a table."),
        ("It is a table.", "It is not good."),
        ("It is very good.", "It is good."),
        ("It is good.", "It is somewhat good."),
        ("It does not break.", "It broke."),
        ("Not terrible.", "Terrible."),
        ("质量很好，非常喜欢", "质量一般"),
        ("质量一般", "太差了，非常失望"),
        ("不差", "很差"),
    ],
)
def test_words_negation_and_degree_order_texts_as_a_person_would(
    kinder: str, less_kind: str
) -> None:
    better, worse = scores(kinder, less_kind)
    assert better > worse


def test_a_sentence_that_turns_has_two_values() -> None:
    tokens = Tokens.of(["The strap is great but the buckle is terrible."])
    clause, value = clause_values(tokens)
    assert clause[0] == 0
    assert clause[-1] == 1
    assert value[0] > 0 > value[1]


def test_negation_does_not_reach_into_the_next_sentence() -> None:
    apart, together = scores("I would not. Great strap.", "I would not great strap.")
    assert apart > 0 > together


def test_a_text_that_says_nothing_is_zero() -> None:
    assert scores("", "A table with legs.").tolist() == [0, 0]
