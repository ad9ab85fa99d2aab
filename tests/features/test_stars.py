from __future__ import annotations

import numpy as np

from shelfwise.features.stars import StarModel, area_under_curve
from shelfwise.features.tokens import Tokens

KIND, UNKIND = "zingo blap works", "floop blap works"


def texts_and_stars(n: int) -> tuple[list[str], np.ndarray[tuple[int], np.dtype[np.float64]]]:
    """Reviews in words that no lexicon knows."""
    return [KIND, UNKIND] * n, np.tile([5.0, 1.0], n)


def test_words_that_no_lexicon_knows_are_learnt_from_stars() -> None:
    texts, stars = texts_and_stars(60)
    model = StarModel.fit(Tokens.of(texts), stars, np.random.default_rng(0))
    assert model is not None
    assert model.auc == 1
    odds = model.text_odds(Tokens.of(["so zingo", "what a floop"]))
    assert odds[0] > 0 > odds[1]


def test_words_that_say_nothing_are_found_to_say_nothing() -> None:
    rng = np.random.default_rng(3)
    texts = [" ".join(rng.choice(["aa", "bb", "cc", "dd"], 5)) for _ in range(400)]
    stars = rng.choice([1.0, 5.0], 400)
    model = StarModel.fit(Tokens.of(texts), stars, np.random.default_rng(0))
    assert model is not None
    assert 0.4 < model.auc < 0.6


def test_too_few_unkind_reviews_teach_nothing() -> None:
    texts, stars = texts_and_stars(10)
    assert StarModel.fit(Tokens.of(texts), stars, np.random.default_rng(0)) is None
    nan = np.full(len(texts), np.nan)
    assert StarModel.fit(Tokens.of(texts), nan, np.random.default_rng(0)) is None


def test_the_same_seed_gives_the_same_model() -> None:
    texts, stars = texts_and_stars(60)
    one, other = (
        StarModel.fit(Tokens.of(texts), stars, np.random.default_rng(1)) for _ in range(2)
    )
    assert one is not None
    assert other is not None
    np.testing.assert_array_equal(one.weights, other.weights)


def test_area_under_curve_counts_ties_as_half() -> None:
    label = np.array([True, False])
    assert area_under_curve(np.zeros(2), label) == 0.5
