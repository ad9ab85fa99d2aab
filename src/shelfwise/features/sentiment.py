"""How kind a sentence is, from words alone: a small lexicon, negation, and words of degree.

English and Chinese. It needs no training; where a shop has stars, `stars.py` learns its own words
from them.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from shelfwise.features.lexicon import (
    CHINESE_INTENSIFIERS,
    CHINESE_NEGATIONS,
    CHINESE_VALUE,
    INTENSIFIERS,
    NEGATIONS,
    TURNS,
    WORD_VALUE,
)
from shelfwise.features.tokens import Tokens

NEGATED = -0.8
"""What a negation makes of a word's value: "not great" is not as bad as "terrible"."""
REACH = 3
"""Words that a negation reaches forward over."""

_NEGATED, _REACH = NEGATED, REACH
_VALUE = WORD_VALUE | CHINESE_VALUE
_DEGREE = INTENSIFIERS | CHINESE_INTENSIFIERS
_NEGATIONS = NEGATIONS | CHINESE_NEGATIONS


def clause_values(tokens: Tokens) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
    """Per word read its clause (a sentence up to a "but"), and per clause -1 to 1.

    0 where no word of the clause says anything.

    >>> t = Tokens.of(["Very good strap, but not a nice box", "a table"])
    >>> clause, value = clause_values(t)
    >>> clause.tolist(), value.round(2).tolist()
    ([0, 0, 0, 1, 1, 1, 1, 1, 2, 2], [0.64, -0.38, 0.0])
    """
    turns = np.array([word in TURNS for word in tokens.words], np.bool_)
    clause = np.empty(len(tokens.word), np.int32)
    n = _clauses(tokens.word, tokens.indptr, turns, clause)
    total, hits = np.zeros(n), np.zeros(n)
    _score(
        tokens.word,
        clause,
        np.array([_VALUE.get(word, 0.0) for word in tokens.words]),
        np.array([_DEGREE.get(word, 1.0) for word in tokens.words]),
        np.array([word in _NEGATIONS for word in tokens.words], np.bool_),
        total,
        hits,
    )
    return clause, np.tanh(total / (1.0 + hits))


def text_values(
    tokens: Tokens, clause: NDArray[np.int32], value: NDArray[np.float64]
) -> NDArray[np.float64]:
    """[n_texts] mean value of the clauses that say anything, pulled to 0 where these are few."""
    first_word = np.flatnonzero(np.diff(clause, prepend=-1))
    owner = tokens.text[tokens.sentence_of_word()[first_word]]
    total = np.bincount(owner, value, tokens.n_texts)
    said = np.bincount(owner, value != 0, tokens.n_texts)
    out: NDArray[np.float64] = total / (said + 0.5)
    return out


@njit(cache=True, nogil=True)
def _clauses(word: Any, indptr: Any, turns: Any, clause: Any) -> int:
    n = -1
    for s in range(len(indptr) - 1):
        n += 1
        for i in range(indptr[s], indptr[s + 1]):
            if i > indptr[s] and turns[word[i]]:
                n += 1
            clause[i] = n
    return n + 1


@njit(cache=True, nogil=True)
def _score(
    word: Any, clause: Any, value: Any, degree: Any, negation: Any, total: Any, hits: Any
) -> None:
    for i in range(len(word)):
        own = value[word[i]]
        if own == 0.0:
            continue
        c = clause[i]
        for back in range(1, _REACH + 1):
            before = i - back
            if before < 0 or clause[before] != c:
                break
            if negation[word[before]]:
                own *= _NEGATED
            elif back == 1:
                own *= degree[word[before]]
        total[c] += own
        hits[c] += 1.0
