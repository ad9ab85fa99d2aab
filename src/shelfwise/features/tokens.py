"""Texts as numbers: sentences and words, read once and shared by everything that reads reviews."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from shelfwise.features.lexicon import CHINESE_INTENSIFIERS, CHINESE_NEGATIONS, CHINESE_VALUE

_WORD = re.compile(r"[a-z]+(?:'[a-z]+)?|[一-鿿]+")
_SENTENCE = re.compile(r"[^.!?。！？；;\n]+[.!?。！？；;]*")
_CHINESE_FROM = "\u3000"
_CHINESE_WORDS = frozenset(CHINESE_VALUE) | CHINESE_NEGATIONS | frozenset(CHINESE_INTENSIFIERS)
_LONGEST_CHINESE = 4


@dataclass(frozen=True)
class Tokens:
    """The words of many texts: sentence `s` has `word[indptr[s]:indptr[s + 1]]`."""

    words: tuple[str, ...]
    """Distinct words, in order of appearance."""
    word: NDArray[np.int32]
    """Position in `words` of each word read."""
    indptr: NDArray[np.int64]
    text: NDArray[np.int32]
    """Per sentence, the text it is in (ascending)."""
    span: NDArray[np.int32]
    """[n_sentences, 2] where the sentence starts and stops in its text."""
    n_texts: int

    @classmethod
    def of(cls, texts: Iterable[str]) -> Tokens:
        """The words of each text, sentence by sentence.

        >>> t = Tokens.of(["Nice strap. It broke!"])
        >>> [t.words[w] for w in t.word], t.indptr.tolist(), t.span.tolist()
        (['nice', 'strap', 'it', 'broke'], [0, 2, 4], [[0, 11], [11, 21]])
        """
        code: dict[str, int] = {}
        word: list[int] = []
        ends, owners, spans = [0], [], []
        n_texts = 0
        for text in texts:
            for match in _SENTENCE.finditer(text):
                found = words_of(match.group())
                if found:
                    word.extend([code.setdefault(one, len(code)) for one in found])
                    ends.append(len(word))
                    owners.append(n_texts)
                    spans.append(match.span())
            n_texts += 1
        return cls(
            words=tuple(code),
            word=np.asarray(word, np.int32),
            indptr=np.asarray(ends, np.int64),
            text=np.asarray(owners, np.int32),
            span=np.asarray(spans, np.int32).reshape(-1, 2),
            n_texts=n_texts,
        )

    def sentence_of_word(self) -> NDArray[np.int32]:
        """Per word read, the sentence it is in."""
        return np.repeat(np.arange(len(self.text), dtype=np.int32), np.diff(self.indptr))

    def quote(self, texts: Sequence[str], sentence: int) -> str:
        """The words of one sentence as they were written; `texts` as given to `of`."""
        start, stop = self.span[sentence]
        return " ".join(texts[self.text[sentence]][start:stop].split())


def review_texts(reviews: pa.Table) -> list[str]:
    """Each review's title and text, a line each."""
    titles, texts = (reviews.column(name).to_pylist() for name in ("title", "text"))
    return [
        f"{title}\n{text}" if title else text for title, text in zip(titles, texts, strict=True)
    ]


def words_of(text: str) -> list[str]:
    """Lower-case words; Chinese by longest match against the lexicon, else by character.

    >>> words_of("Doesn't break. 质量非常好")
    ["doesn't", 'break', '质', '量', '非常', '好']
    """
    found = _WORD.findall(text.lower().replace("’", "'"))
    if not any(word > _CHINESE_FROM for word in found):
        return found
    return [part for word in found for part in _parts(word)]


def _parts(run: str) -> list[str]:
    if run < _CHINESE_FROM:
        return [run]
    out, at = [], 0
    while at < len(run):
        size = min(_LONGEST_CHINESE, len(run) - at)
        while size > 1 and run[at : at + size] not in _CHINESE_WORDS:
            size -= 1
        out.append(run[at : at + size])
        at += size
    return out
