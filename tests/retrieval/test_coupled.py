"""Joint factors against the normal equations, and words that stand in for behaviour."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from numpy.typing import NDArray
from scipy import sparse
from tests.retrieval.conftest import asked_after, no_question

from shelfwise.core.dataset import CODED_REVIEWS_SCHEMA, Dataset
from shelfwise.core.event import Product
from shelfwise.core.rows import products_to_table
from shelfwise.retrieval.coupled import Coupled, CoupledConfig
from shelfwise.retrieval.joint_factors import factorise, solved_from
from shelfwise.retrieval.least_squares import regularised_gram

CONFIG = CoupledConfig(factors=6, reg=3, min_reviews=1, attributes=0.5, reviews=0.5)
HALF = 6
MUSIC, GARDEN = "guitar strings bronze", "garden hose green"


def review(user: int, item: int, text: str) -> dict[str, object]:
    """One review's row; ids are the codes as text."""
    return {"item_id": str(item), "user_id": str(user), "text": text, "item": item, "user": user}


def two_tastes() -> Dataset:
    """Even shoppers like items 0 to 5 (music), odd ones 6 to 11 (garden); nobody met 5 and 11.

    Each wrote a review that tells the taste; item 11 has no text.
    """
    rng = np.random.default_rng(2)
    users = np.repeat(np.arange(60), 3)
    items = rng.integers(0, HALF - 1, len(users)) + HALF * (users % 2)
    shop = Dataset.of_pairs(users.astype(np.int32), items.astype(np.int32), 60, 2 * HALF)
    texts = [f"{MUSIC if item < HALF else GARDEN} number{item}" for item in range(2 * HALF - 1)]
    products = [Product(str(code), title=text) for code, text in enumerate(texts)]
    said = [
        review(user, user % 2 * HALF, ("lovely tone", "waters my roses")[user % 2])
        for user in range(60)
    ]
    return replace(
        shop,
        products=products_to_table([*products, Product(str(2 * HALF - 1))]),
        reviews=pa.Table.from_pylist(said, schema=CODED_REVIEWS_SCHEMA),
    )


SHOP = two_tastes()


@pytest.fixture(scope="module")
def model() -> Coupled:
    """Fitted on the shop of two tastes."""
    return Coupled.fit(SHOP, CONFIG, np.random.default_rng(0))


def exact(
    entries: NDArray[np.float64], factors: NDArray[np.float64], reg: float
) -> NDArray[np.float64]:
    """The vector whose products with `factors` are nearest to 1 where `entries` (else 0)."""
    confidence = 1 + entries
    left = factors.T @ (confidence[:, None] * factors) + reg * np.eye(factors.shape[1])
    return np.asarray(np.linalg.solve(left, factors.T @ (confidence * (entries > 0))))


def loss(
    matrices: list[tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]],
    reg: float,
) -> float:
    """The sum that is minimised, written out over dense (confidence, left, right)."""
    total = 0.0
    for extra, left, right in matrices:
        rows = extra.any(axis=1)
        columns = extra.any(axis=0)
        error = (extra > 0) - left @ right.T
        total += float(((1 + extra) * error**2)[np.ix_(rows, columns)].sum())
    every = {id(part): part for _, left, right in matrices for part in (left, right)}
    return total + reg * sum(float((part**2).sum()) for part in every.values())


def random_matrices() -> list[NDArray[np.float64]]:
    """Confidence of behaviour [30, 12], words of shoppers [30, 8], words of products [12, 9]."""
    rng = np.random.default_rng(7)
    return [
        rng.random(shape) * 5 * (rng.random(shape) < 0.3) for shape in ((30, 12), (30, 8), (12, 9))
    ]


def test_the_fit_is_at_a_minimum_of_the_documented_sum() -> None:
    behaviour, by_user, by_item = random_matrices()
    start = np.random.default_rng(0).normal(0, 0.1, (12, 4)).astype(np.float32)
    found = factorise(
        sparse.csr_matrix(behaviour.astype(np.float32)),
        start,
        [sparse.csr_matrix(by_user.astype(np.float32))],
        [sparse.csr_matrix(by_item.astype(np.float32))],
        2.0,
        300,
    )
    u, v, c, b = (
        part.astype(np.float64)
        for part in (found.users, found.items, found.user_words[0], found.item_words[0])
    )

    def total() -> float:
        return loss([(behaviour, u, v), (by_user, u, c), (by_item, v, b)], 2.0)

    best = total()
    for part in (u, v, c, b):
        for place in np.ndindex(part.shape):
            for step in (-0.03, 0.03):
                part[place] += step
                assert total() > best
                part[place] -= step


def test_the_minimum_is_not_the_zero_that_the_naive_coupling_has() -> None:
    behaviour, by_user, by_item = random_matrices()
    start = np.random.default_rng(0).normal(0, 0.1, (12, 4)).astype(np.float32)
    as_rows = [sparse.csr_matrix(one.astype(np.float32)) for one in (behaviour, by_user, by_item)]
    found = factorise(as_rows[0], start, [as_rows[1]], [as_rows[2]], 2.0, 50)
    zero_u, zero_v = np.zeros((30, 4)), np.zeros((12, 4))
    zero_c, zero_b = np.zeros((8, 4)), np.zeros((9, 4))
    nothing = loss(
        [(behaviour, zero_u, zero_v), (by_user, zero_u, zero_c), (by_item, zero_v, zero_b)], 2.0
    )
    u, v = found.users.astype(np.float64), found.items.astype(np.float64)
    c, b = found.user_words[0].astype(np.float64), found.item_words[0].astype(np.float64)
    assert loss([(behaviour, u, v), (by_user, u, c), (by_item, v, b)], 2.0) < 0.7 * nothing


def test_a_row_of_words_is_solved_for_exactly() -> None:
    rng = np.random.default_rng(3)
    factors = rng.normal(size=(9, 4))
    entries = np.array([0, 2.0, 0, 0, 7.0, 0, 0, 0, 1.0])
    rows = sparse.csr_matrix(np.stack([entries, np.zeros(9)]).astype(np.float32))
    as_floats = factors.astype(np.float32)
    solved = solved_from(rows, as_floats, regularised_gram(as_floats, 2.0))
    np.testing.assert_allclose(solved[0], exact(entries, factors, 2.0), rtol=1e-4, atol=1e-6)
    assert not solved[1].any()


def test_a_history_is_folded_in_against_the_items_that_anybody_met(model: Coupled) -> None:
    met = np.delete(np.arange(2 * HALF), [HALF - 1, 2 * HALF - 1])
    entries = np.zeros(2 * HALF)
    entries[3], entries[4] = CONFIG.alpha * CONFIG.context_decay, CONFIG.alpha
    expected = exact(entries[met], model.factors[met].astype(np.float64), CONFIG.reg)
    np.testing.assert_allclose(model.vectors(asked_after(3, 4))[0], expected, rtol=1e-3, atol=1e-5)


def test_a_product_nobody_met_is_scored_by_what_is_written_about_it(model: Coupled) -> None:
    scores = model.scores(asked_after(0, 2))[0]
    assert scores[HALF - 1] > scores[HALF : 2 * HALF - 1].max() + 0.2
    assert np.isneginf(scores[2 * HALF - 1])


def test_a_product_put_a_second_ago_gets_the_vector_it_would_have_been_fitted_with(
    model: Coupled,
) -> None:
    twin = Product("new", title=f"{MUSIC} number{HALF - 1}")
    wider = model.with_product(twin)
    np.testing.assert_allclose(wider.factors[2 * HALF], model.factors[HALF - 1], rtol=1e-5)
    scores = wider.scores(asked_after(0))[0]
    assert scores[2 * HALF] == pytest.approx(scores[HALF - 1], rel=1e-4)
    assert np.isfinite(wider.scores(asked_after(2 * HALF))[0, 0])


def test_a_new_shopper_is_known_by_their_reviews_alone(model: Coupled) -> None:
    scores = model.scores_with_reviews(no_question(), [["What a LOVELY tone!"]])[0]
    assert scores[:HALF].min() > scores[HALF : 2 * HALF - 1].max() + 0.1
    assert np.isneginf(model.scores(no_question())).all()


def test_history_and_reviews_are_folded_in_together(model: Coupled) -> None:
    met = np.delete(np.arange(2 * HALF), [HALF - 1, 2 * HALF - 1])
    row = model.reviews.vocabulary.rows([{"lovely": 1.0, "tone": 1.0}]).toarray()[0]
    entries = np.concatenate([np.zeros(len(met)), row * model.reviews.confidence])
    entries[3] = CONFIG.alpha
    factors = np.concatenate([model.factors[met], model.reviews.factors]).astype(np.float64)
    vector = model.vectors_with_reviews(asked_after(3), [["lovely tone"]])[0]
    np.testing.assert_allclose(vector, exact(entries, factors, CONFIG.reg), rtol=1e-3, atol=1e-5)


def test_reviews_of_unknown_words_say_nothing(model: Coupled) -> None:
    np.testing.assert_array_equal(
        model.scores_with_reviews(asked_after(3), [["zzz"]]), model.scores(asked_after(3))
    )


def test_prices_in_one_bucket_are_one_attribute() -> None:
    table = products_to_table(
        [Product(str(n), price=price) for n, price in enumerate((5, 5.2, 90))]
    )
    shop = replace(SHOP, products=table.take([0, 1, 2] * 4))
    vectors = Coupled.fit(shop, CONFIG, np.random.default_rng(0)).attributes.vocabulary
    assert len(vectors.tokens) == 2
