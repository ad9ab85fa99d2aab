"""How kind a text is, from words alone: a small lexicon, negation, and words of degree.

English words, and Chinese by longest match. It needs no training; where a shop has stars,
`stars.py` learns its own words from them.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from shelfwise.features.lexicon import (
    CHINESE_INTENSIFIERS,
    CHINESE_NEGATIONS,
    CHINESE_VALUE,
    INTENSIFIERS,
    NEGATIONS,
    WORD_VALUE,
)

NEGATED = -0.8
"""What a negation makes of a word's value: "not great" is not as bad as "terrible"."""
REACH = 3
"""Words that a negation reaches forward over."""

_WORD = re.compile(r"[a-z]+(?:'[a-z]+)?|[一-鿿]+")
_SENTENCE = re.compile(r"[^.!?。！？；\n]+[.!?。！？；]*")
_CJK = re.compile(r"[一-鿿]")
_LONGEST_CHINESE = 4


def words(text: str) -> list[str]:
    """Lower-case words; Chinese split by longest match against the lexicon.

    >>> words("Doesn't break. 质量非常好")
    ["doesn't", 'break', '质', '量', '非常', '好']
    """
    found = _WORD.findall(text.lower().replace("’", "'"))
    if not _CJK.search(text):
        return found
    return [part for word in found for part in (_chinese(word) if word > "\u3000" else (word,))]


def sentences(text: str) -> list[str]:
    """The sentences of a text, in order, without surrounding space.

    >>> sentences("Nice strap. It broke!")
    ['Nice strap.', 'It broke!']
    """
    return [part for part in (match.strip() for match in _SENTENCE.findall(text)) if part]


def score_words(found: list[str]) -> float:
    """-1 (blame) to 1 (praise) of one text's words; 0 where no word says anything.

    >>> [round(score_words(text.split()), 2) for text in ("very good", "not good", "a table")]
    [0.64, -0.38, 0.0]
    """
    total, hits = 0.0, 0
    for position, word in enumerate(found):
        value = _VALUE.get(word)
        if value is not None:
            total += value * _context(found, position)
            hits += 1
    return math.tanh(total / (1.0 + hits)) if hits else 0.0


def lexicon_scores(texts: Iterable[str]) -> NDArray[np.float64]:
    """-1 to 1 of each text."""
    return np.fromiter((score_words(words(text)) for text in texts), np.float64)


def _context(found: list[str], position: int) -> float:
    """What the words before make of a word's value."""
    factor = 1.0
    for back, word in enumerate(reversed(found[max(0, position - REACH) : position])):
        if word in _NEGATIONS:
            factor *= NEGATED
        elif back == 0:
            factor *= _DEGREE.get(word, 1.0)
    return factor


def _chinese(run: str) -> list[str]:
    out, at = [], 0
    while at < len(run):
        size = min(_LONGEST_CHINESE, len(run) - at)
        while size > 1 and run[at : at + size] not in _CHINESE_WORDS:
            size -= 1
        out.append(run[at : at + size])
        at += size
    return out


_VALUE = WORD_VALUE | CHINESE_VALUE
_DEGREE = INTENSIFIERS | CHINESE_INTENSIFIERS
_NEGATIONS = NEGATIONS | CHINESE_NEGATIONS
_CHINESE_WORDS = frozenset(CHINESE_VALUE) | CHINESE_NEGATIONS | frozenset(CHINESE_INTENSIFIERS)
