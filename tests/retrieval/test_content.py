"""Likeness by text, by hand."""

from __future__ import annotations

import numpy as np
import pytest
from tests.retrieval.conftest import asked_after, shop_of

from shelfwise.core.event import Product
from shelfwise.retrieval.content import Content, ContentConfig
from shelfwise.retrieval.product_words import FieldWeights, tokens, words

PRODUCTS = [
    Product("mug", title="red mug", brand="Acme", category="Home > Mugs"),
    Product("cup", title="red cup", brand="Acme", category="Home > Mugs"),
    Product("hose", title="green hose", brand="Florabest", category="Garden"),
    Product("rake", title="green rake", brand="Florabest", category="Garden"),
    Product("bare"),
]
SHOP = shop_of([("u", "mug", "view", 0)], [one.item_id for one in PRODUCTS], PRODUCTS)


@pytest.fixture(scope="module")
def model() -> Content:
    """Fitted on the products."""
    return Content.fit(SHOP, ContentConfig(), np.random.default_rng(0))


def test_a_score_is_the_cosine_of_the_shared_tokens(model: Content) -> None:
    # "mug" and "cup" are in one product each and dropped: the rest of the two is the same.
    scores = model.scores(asked_after(0))[0]
    assert scores[1] == pytest.approx(1.0)
    assert np.isneginf(scores[2:]).all()


def test_rare_shared_words_count_more_than_common_ones() -> None:
    products = [
        Product("a", title="zinc pot"),
        Product("b", title="zinc lid"),
        Product("c", title="pot lid"),
        *[Product(f"p{n}", title=f"pot {n}") for n in range(8)],
    ]
    shop = shop_of([("u", "a", "view", 0)], [one.item_id for one in products], products)
    scores = Content.fit(shop, ContentConfig(), np.random.default_rng(0)).scores(asked_after(0))[0]
    assert scores[1] > scores[2]


def test_a_product_without_text_is_neither_scored_nor_scores(model: Content) -> None:
    assert np.isneginf(model.scores(asked_after(0))[0, 4])
    assert np.isneginf(model.scores(asked_after(4))).all()


def test_a_product_put_a_second_ago_is_scored_like_any_other(model: Content) -> None:
    new = Product("glass", title="red glass", brand="ACME", category="Home > Mugs")
    wider = model.with_product(new)
    assert wider.scores(asked_after(0)).shape == (1, 6)
    assert wider.scores(asked_after(0))[0, 5] == pytest.approx(1.0)
    assert wider.scores(asked_after(5))[0, 0] == pytest.approx(1.0)
    np.testing.assert_array_equal(
        wider.scores(asked_after(0))[0, :5], model.scores(asked_after(0))[0]
    )
    np.testing.assert_array_equal(wider.vectors[5], model.vector_of(new))


def test_vectors_of_like_products_lie_close(model: Content) -> None:
    likeness = model.vectors @ model.vectors.T
    assert likeness[0, 1] > 0.9
    assert abs(likeness[0, 2]) < 0.1
    np.testing.assert_allclose(np.linalg.norm(model.vectors[:4], axis=1), 1, rtol=1e-5)
    assert not model.vectors[4].any()


def test_the_vector_of_a_known_product_is_the_one_it_has(model: Content) -> None:
    np.testing.assert_allclose(model.vector_of(PRODUCTS[2]), model.vectors[2], atol=1e-6)


def test_reasons_say_what_is_shared(model: Content) -> None:
    why = model.explain(asked_after(2, 0), np.array([1], np.int32))[0][0]
    assert why.because == 0
    assert why.facts == {"same_brand": 1.0, "same_category": 1.0, "shared_words": 1.0}
    assert set(model.shared(0, 1)) == {
        "red",
        "brand=acme",
        "leaf=home > mugs",
        "category=home",
        "category=home > mugs",
    }


def test_chinese_titles_are_compared_by_pairs_of_characters() -> None:
    assert words("不锈钢保温杯 500ml") == ["不锈", "锈钢", "钢保", "保温", "温杯", "500ml"]


def test_a_brand_is_not_the_word_of_the_same_name() -> None:
    red = tokens(Product("p", title="red", brand="Red", attributes=("color=red",)), FieldWeights())
    assert set(red) == {"red", "brand=red", "attribute=color=red"}
