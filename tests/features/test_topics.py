from __future__ import annotations

import numpy as np

from shelfwise.features.tokens import Tokens
from shelfwise.features.topics import Topics

TEA = "green leaves steep teapot aroma"
LAMP = "bulb shade socket dimmer glow"


def test_two_themes_become_two_topics() -> None:
    rng = np.random.default_rng(0)
    texts = [" ".join(rng.permutation((TEA if i % 2 else LAMP).split())[:4]) for i in range(40)]
    item = np.arange(40, dtype=np.int32)
    topics = Topics.of(Tokens.of(texts), item, 41, 2, np.random.default_rng(1))
    assert {frozenset(words[:5]) for words in topics.words} == {
        frozenset(TEA.split()),
        frozenset(LAMP.split()),
    }
    np.testing.assert_allclose(topics.share[:40].max(axis=1), 1, atol=0.05)
    np.testing.assert_allclose(topics.share[:40].sum(axis=1), 1, rtol=1e-5)
    assert np.isnan(topics.share[40]).all()


def test_too_few_words_make_no_topic() -> None:
    topics = Topics.of(Tokens.of(["tea"]), np.zeros(1, np.int32), 1, 2, np.random.default_rng(0))
    assert topics.words == ((), ())
    assert np.isnan(topics.share).all()
