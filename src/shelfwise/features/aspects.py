"""What reviewers praise and blame: parts and properties of a product, with counts and quotes.

An aspect is a word, or a pair of neighbours, that this shop's reviewers use as a noun: it follows
"the", "my", "great" … often enough. English only, as it needs those words. A review counts once
for an aspect, for or against, by the clauses in which it names it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from shelfwise.features.lexicon import DETERMINERS, NOT_ASPECTS, STOP_WORDS, WORD_VALUE
from shelfwise.features.tokens import Tokens

MIN_REVIEWS = 5
"""A word or pair in fewer reviews of the shop is no aspect."""
MIN_NOUN_SHARE = 0.12
"""Share of a word's uses that must follow a determiner or an adjective of praise or blame."""
MAX_REVIEW_SHARE = 0.15
"""A word in more of the shop's reviews is its trade ("guitar"), not an aspect."""
ALWAYS = frozenset(
    {"price", "quality", "size", "sound", "value", "taste", "color", "fit", "service"}
)
"""Aspects however common."""
MIN_PAIR_LIFT = 8.0
"""How many times as often as by chance two words must be neighbours to be one aspect."""
CLEAR = 0.15
"""Size of a polarity that is for or against; nearer to 0 is neither."""
QUOTE_WORDS = (4, 24)
"""A quotable sentence has at least and at most this many words."""


@dataclass(frozen=True)
class Mentions:
    """One row per item and aspect that its reviews name, sorted by item, most reviews first."""

    aspects: tuple[str, ...]
    """Distinct aspects, as words."""
    item: NDArray[np.int32]
    aspect: NDArray[np.int32]
    """Position in `aspects`."""
    n_positive: NDArray[np.int32]
    """Reviews that praise it."""
    n_negative: NDArray[np.int32]
    """Reviews that blame it."""
    best: NDArray[np.int32]
    """Sentence that praises it most quotably; -1 without one."""
    worst: NDArray[np.int32]
    """Sentence that blames it most quotably; -1 without one."""

    @classmethod
    def of(
        cls,
        tokens: Tokens,
        polarity: NDArray[np.float64],
        item: NDArray[np.int32],
        brands: frozenset[str] = frozenset(),
    ) -> Mentions:
        """The aspects of each item; `polarity` of each word, `item` of each text (-1: none).

        Words in `brands` are no aspects. Time and memory grow with the words read.
        """
        names, aspect = _aspects(tokens, brands)
        used = np.flatnonzero((aspect >= 0) & (item[tokens.text[tokens.sentence_of_word()]] >= 0))
        sentence = tokens.sentence_of_word()[used]
        text = tokens.text[sentence]
        order = np.lexsort((np.arange(len(used)), text, aspect[used], item[text]))
        rows = np.empty((len(used), 6), np.int32)
        n = _count(
            item[text][order],
            aspect[used][order],
            text[order],
            sentence[order],
            polarity[used][order],
            np.diff(tokens.indptr),
            rows,
        )
        rows = rows[:n]
        total = rows[:, 2] + rows[:, 3]
        rows = rows[np.lexsort((-total, rows[:, 0]))]
        return cls(names, *(np.ascontiguousarray(column) for column in rows.T))


def _aspects(tokens: Tokens, brands: frozenset[str]) -> tuple[tuple[str, ...], NDArray[np.int32]]:
    """Names of the aspects, and per word read the aspect that it names (or starts), -1 none."""
    singular = _singular(tokens.words)
    word = singular[tokens.word]
    allowed = np.array([w not in brands and _may_be_noun(w) for w in tokens.words], np.bool_)
    noun = allowed & _used_as_noun(tokens, word)
    pairs, of_pair = _pairs(tokens, word, allowed, noun)
    common = _review_counts(word, tokens, len(tokens.words)) > MAX_REVIEW_SHARE * tokens.n_texts
    common &= np.array([w not in ALWAYS for w in tokens.words], np.bool_)
    single = np.flatnonzero(noun & ~common)
    code = np.full(len(tokens.words), -1, np.int32)
    code[single] = np.arange(len(single))
    out = code[word]
    starts = np.flatnonzero(of_pair >= 0)
    out[starts] = len(single) + of_pair[starts]
    out[starts + 1] = -1  # the second half of a pair is not named by itself
    names = [tokens.words[w] for w in single]
    names += [f"{tokens.words[a]} {tokens.words[b]}" for a, b in pairs]
    return tuple(names), out


def _singular(words: tuple[str, ...]) -> NDArray[np.int32]:
    """Per word its singular where that is a word too, else itself."""
    code = {word: position for position, word in enumerate(words)}
    out = np.arange(len(words), dtype=np.int32)
    for word, position in code.items():
        if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "is", "us")):
            stem = f"{word[:-3]}y" if word.endswith("ies") else word[:-1]
            stem = word[:-2] if word.endswith("es") and stem not in code else stem
            out[position] = code.get(stem, position)
    return out


def _used_as_noun(tokens: Tokens, word: NDArray[np.int32]) -> NDArray[np.bool_]:
    """Per word, whether it closes a phrase (after "the", before "is" or a stop) often enough."""
    n_words = len(tokens.words)
    opens = np.array([w in DETERMINERS or w in WORD_VALUE for w in tokens.words], np.bool_)
    small = np.array([w in STOP_WORDS or "'" in w for w in tokens.words], np.bool_)
    uses = np.zeros(len(word), np.bool_)
    uses[1:] = opens[tokens.word[:-1]]
    uses[tokens.indptr[:-1]] = False
    closed = np.ones(len(word), np.bool_)
    closed[:-1] = small[tokens.word[1:]]
    closed[tokens.indptr[1:] - 1] = True
    share = np.bincount(word[uses & closed], minlength=n_words)
    enough = share >= MIN_NOUN_SHARE * np.bincount(word, minlength=n_words)
    return enough & (_review_counts(word, tokens, n_words) >= MIN_REVIEWS)


def _review_counts(code: NDArray[np.int32], tokens: Tokens, n: int) -> NDArray[np.int64]:
    """[n] in how many texts each code is."""
    key = np.sort(code.astype(np.int64) << 32 | tokens.text[tokens.sentence_of_word()])
    return np.bincount(key[np.diff(key, prepend=-1) != 0] >> 32, minlength=n)


def _may_be_noun(word: str) -> bool:
    if len(word) < 3 or "'" in word or not word.isascii():
        return False
    if word in STOP_WORDS or word in WORD_VALUE or word in NOT_ASPECTS:
        return False
    return not word.endswith(("ly", "est", "ed"))


def _pairs(
    tokens: Tokens,
    word: NDArray[np.int32],
    allowed: NDArray[np.bool_],
    noun: NDArray[np.bool_],
) -> tuple[list[tuple[int, int]], NDArray[np.int32]]:
    """Pairs that are one aspect, and per word read the pair it starts, -1 none."""
    inside = np.ones(len(word), np.bool_)
    inside[tokens.indptr[1:] - 1] = False
    starts = np.flatnonzero(inside[:-1] & allowed[word[:-1]] & noun[word[1:]])
    key = word[starts].astype(np.int64) << 32 | word[starts + 1]
    text = tokens.text[tokens.sentence_of_word()[starts]]
    distinct, where, count = np.unique(key, return_inverse=True, return_counts=True)
    uses = np.bincount(word, minlength=len(tokens.words))
    first, second = distinct >> 32, distinct & 0xFFFFFFFF
    lift = count * float(len(word)) / np.maximum(uses[first] * uses[second].astype(np.float64), 1)
    pair_text = np.unique(where.astype(np.int64) << 32 | text) >> 32
    reviews = np.bincount(pair_text, minlength=len(distinct))
    good = (reviews >= MIN_REVIEWS) & (lift >= MIN_PAIR_LIFT) & (first != second)
    number = np.full(len(distinct), -1, np.int32)
    number[good] = np.arange(good.sum())
    of_pair = np.full(len(word), -1, np.int32)
    of_pair[starts] = number[where]
    overlapping = np.flatnonzero((of_pair[1:] >= 0) & (of_pair[:-1] >= 0)) + 1
    of_pair[overlapping] = -1
    return list(zip(first[good].tolist(), second[good].tolist(), strict=True)), of_pair


@njit(cache=True, nogil=True)
def _count(
    item: Any, aspect: Any, text: Any, sentence: Any, polarity: Any, length: Any, rows: Any
) -> int:
    """Rows of item, aspect, reviews for, reviews against, best and worst sentence; how many."""
    n = 0
    i = 0
    while i < len(item):
        row = rows[n]
        row[0], row[1], row[2], row[3], row[4], row[5] = item[i], aspect[i], 0, 0, -1, -1
        high, low = 0.0, 0.0
        start = i
        while i < len(item) and item[i] == item[start] and aspect[i] == aspect[start]:
            review, sum_ = text[i], 0.0
            while (
                i < len(item)
                and text[i] == review
                and item[i] == item[start]
                and aspect[i] == aspect[start]
            ):
                value = polarity[i]
                sum_ += value
                words = length[sentence[i]]
                if QUOTE_WORDS[0] <= words <= QUOTE_WORDS[1]:
                    terse = 1.0 - words / (2.0 * QUOTE_WORDS[1])
                    if value > CLEAR and value * terse > high:
                        high = value * terse
                        row[4] = sentence[i]
                    if value < -CLEAR and value * terse < low:
                        low = value * terse
                        row[5] = sentence[i]
                i += 1
            row[2] += sum_ > CLEAR
            row[3] += sum_ < -CLEAR
        n += 1
    return n
