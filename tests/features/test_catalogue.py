from __future__ import annotations

import numpy as np
import pytest

from shelfwise.core.dataset import Dataset, Events
from shelfwise.core.event import Product
from shelfwise.core.rows import products_to_table
from shelfwise.features.catalogue import Catalogue, category_steps


def priced(prices: list[float | None], category: str | None = "A > B") -> Catalogue:
    rows = [Product(f"p{i}", category=category, price=price) for i, price in enumerate(prices)]
    return Catalogue.of(products_to_table(rows))


def test_codes_name_brand_leaf_and_top_and_unknown_is_minus_one(shop: Dataset) -> None:
    catalogue = Catalogue.of(shop.products)
    names = catalogue.categories.ids
    assert [names[code] for code in catalogue.leaf] == [
        "Home > Kitchen",
        "Food > Tea",
        "Home > Kitchen",
        "Home > Light",
    ]
    assert [names[code] for code in catalogue.top] == ["Home", "Food", "Home", "Home"]
    assert catalogue.brand[0] == catalogue.brand[2] != catalogue.brand[1]
    assert catalogue.brand[3] == -1


def test_price_place_is_the_share_of_the_category_that_is_cheaper() -> None:
    catalogue = priced([1.0, 2.0, 3.0, 4.0, 5.0])
    np.testing.assert_allclose(catalogue.price_place, [0.1, 0.3, 0.5, 0.7, 0.9], rtol=1e-6)


def test_a_thin_category_is_measured_by_the_one_above_it() -> None:
    rows = [Product(f"p{i}", category="A > B", price=i + 1.0) for i in range(5)]
    rows.append(Product("thin", category="A > C", price=100.0))
    catalogue = Catalogue.of(products_to_table(rows))
    assert catalogue.price_place[5] == pytest.approx(5.5 / 6)


def test_a_missing_price_is_the_median_paid_and_else_nan() -> None:
    events = Events.of(np.array([0, 0, 0], np.int32), np.array([0, 0, 0], np.int32))
    events.price[:] = [3.0, 9.0, 4.0]
    catalogue = Catalogue.of(products_to_table([Product("a"), Product("b")]), events)
    assert catalogue.log_price[0] == pytest.approx(np.log(4.0))
    assert np.isnan(catalogue.log_price[1])
    assert np.isnan(catalogue.price_place[1])


def test_prices_are_standardised_by_the_catalogue_trained_on() -> None:
    catalogue = priced([1.0, 2.0, 4.0, 8.0])
    assert catalogue.price_z.mean() == pytest.approx(0, abs=1e-6)
    assert catalogue.price_z.std() == pytest.approx(1, abs=1e-6)
    later = catalogue.with_products([Product("dear", price=1000.0)])
    np.testing.assert_array_equal(later.price_z[:4], catalogue.price_z)
    assert later.levels == catalogue.levels


def test_an_added_product_joins_known_brands_and_gets_new_codes_for_new_ones(
    shop: Dataset,
) -> None:
    catalogue = Catalogue.of(shop.products)
    later = catalogue.with_products(
        [
            Product("pan", brand="Hot", category="Home > Kitchen > Pans", price=9.0, title="A pan"),
            Product("pot", brand="New", category="Home > Kitchen > Pans"),
        ]
    )
    assert len(later) == 6
    assert later.brand[4] == catalogue.brand[0]
    assert later.brand[5] == len(catalogue.brands)
    assert later.top[4] == catalogue.top[0]
    assert later.leaf[4] == later.leaf[5] not in catalogue.leaf
    assert later.title_words[4] == 2
    assert 0 < later.price_place[4] < 1


def test_a_hash_has_length_one_and_is_nearer_for_a_nearer_category() -> None:
    paths = ["A > B", "A > B > C", "Z", None]
    rows = [Product(f"p{i}", category=path) for i, path in enumerate(paths)]
    hashed = Catalogue.of(products_to_table(rows)).category_hash
    np.testing.assert_allclose(np.linalg.norm(hashed, axis=1), [1, 1, 1, 0], rtol=1e-6)
    assert hashed[0] @ hashed[1] > hashed[0] @ hashed[2]


def test_stock_description_and_title_are_nan_or_zero_as_documented(shop: Dataset) -> None:
    catalogue = Catalogue.of(shop.products)
    np.testing.assert_array_equal(catalogue.available, [np.nan, np.nan, np.nan, 0])
    np.testing.assert_array_equal(catalogue.has_description, np.zeros(4))
    np.testing.assert_array_equal(catalogue.title_words, [2, 2, 1, 1])


def test_a_catalogue_comes_back_from_its_state(shop: Dataset) -> None:
    catalogue = Catalogue.of(shop.products, shop.events)
    again = Catalogue.from_state(catalogue.state())
    np.testing.assert_array_equal(again.price_place, catalogue.price_place)
    assert again.brands.ids == catalogue.brands.ids
    new = Product("pan", brand="Hot", category="Home > Pans", price=9.0)
    np.testing.assert_array_equal(
        again.with_products([new]).price_place, catalogue.with_products([new]).price_place
    )


def test_an_empty_catalogue_is_a_catalogue() -> None:
    assert len(Catalogue.of(products_to_table([]))) == 0


def test_category_steps_are_general_first() -> None:
    assert category_steps("A") == ["A"]
