"""Columns of text as numbers."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from shelfwise.core.vocabulary import Vocabulary
from shelfwise.pipeline.words import Words

one_chunk = st.lists(st.none() | st.text("ab壶", max_size=4), max_size=30)


def said(words: Words) -> list[str | None]:
    """The column again."""
    return [None if at < 0 else words.words[int(at)].as_py() for at in words.position]


@settings(max_examples=60, deadline=None)
@given(st.lists(one_chunk, max_size=4))
def test_every_row_is_found_again(chunks: list[list[str | None]]) -> None:
    words = Words.of([pa.array(chunk, pa.string()) for chunk in chunks])
    flat = [word for chunk in chunks for word in chunk]
    assert said(words) == flat
    assert words.words.to_pylist() == list(dict.fromkeys(w for w in flat if w is not None))


def test_many_words_are_kept_apart() -> None:
    names = [f"w{i * 7919 % 30_011}" for i in range(60_000)]
    words = Words.of([pa.array(names[:100]), pa.array(names[100:])])
    assert len(words.words) == 30_011
    assert words.words.take(pa.array(words.position)).to_pylist() == names


def test_plain_dictionary_and_sliced_chunks_agree() -> None:
    plain = pa.array(["x", "b", None, "a", "b"]).slice(1)
    coded = pa.array(["c", "a", None]).dictionary_encode()
    words = Words.of([plain, coded])
    assert said(words) == ["b", None, "a", "b", "c", "a", None]


def test_chosen_rows_number_their_words_by_first_appearance() -> None:
    words = Words.of([pa.array(["a", "b", "c", "b"])])
    chosen = words.at(np.array([3, 2, 3]))
    assert chosen.position.tolist() == [0, 1, 0]
    assert chosen.words.to_pylist() == ["b", "c"]


def test_words_take_the_codes_of_a_vocabulary() -> None:
    words = Words.of([pa.array(["a", "b", "a"])])
    assert words.codes(Vocabulary.of(["b", "x", "a"])).tolist() == [2, 0, 2]
