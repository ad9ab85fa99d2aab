from __future__ import annotations

import pyarrow as pa

from shelfwise.features.tokens import Tokens, review_texts, words_of


def test_sentences_keep_their_place_and_can_be_quoted_as_written() -> None:
    texts = ["", "Great kettle!\n  The  handle broke; sadly."]
    tokens = Tokens.of(texts)
    assert tokens.n_texts == 2
    assert tokens.text.tolist() == [1, 1, 1]
    assert tokens.quote(texts, 1) == "The handle broke;"


def test_chinese_is_split_by_the_longest_word_that_the_lexicon_knows() -> None:
    assert words_of("不是很好用") == ["不是", "很", "好用"]


def test_a_sentence_without_a_word_is_left_out() -> None:
    assert len(Tokens.of(["... 123 !!"]).text) == 0


def test_a_review_title_is_its_first_sentence() -> None:
    table = pa.table({"title": ["Nice", None], "text": ["It works.", "No title"]})
    assert review_texts(table) == ["Nice\nIt works.", "No title"]
