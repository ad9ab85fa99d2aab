"""Two towers, on shops small enough to know the truth."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse
from tests.retrieval.conftest import DAY_MS, asked_after, shop_of

from shelfwise.core import extras
from shelfwise.core.dataset import Dataset
from shelfwise.core.errors import MissingExtraError
from shelfwise.core.event import Product
from shelfwise.retrieval.product_words import FieldWeights
from shelfwise.retrieval.two_tower import TwoTower, TwoTowerConfig
from shelfwise.retrieval.two_tower_content import ContentTokens
from shelfwise.retrieval.two_tower_layers import Tower, Towers
from shelfwise.retrieval.two_tower_lesson import Examples, examples_of

pytest.importorskip("torch")

SMALL = TwoTowerConfig(size=16, hidden=16, epochs=25, batch=64, uniform_negatives=16, dropout=0.0)
HALF = 10
"""Products of each kind; the last two of each are never met."""


def kind_shop() -> Dataset:
    """Who meets a pot next meets a lid, whose words it does not share; and saws go with nails.

    Products differ by colour; of each kind two have text but no event.
    """
    rng = np.random.default_rng(0)
    names = ("pot", "lid", "saw", "nail")
    products = [
        Product(f"{name}{n}", title=f"{name} colour{n % 5}", price=10.0 + n)
        for name in names
        for n in range(HALF)
    ]
    rows = []
    for user in range(160):
        pair = ("pot", "lid") if user % 2 else ("saw", "nail")
        for day in range(6):
            item = f"{pair[day % 2]}{rng.integers(HALF - 2)}"
            rows.append((f"u{user}", item, "view", day))
    return shop_of(
        sorted(rows, key=lambda row: row[3]), [one.item_id for one in products], products
    )


@pytest.fixture(scope="module")
def shop() -> Dataset:
    """The shop of pots, lids, saws and nails."""
    return kind_shop()


@pytest.fixture(scope="module")
def model(shop: Dataset) -> TwoTower:
    """Fitted on it."""
    return TwoTower.fit(shop, SMALL, np.random.default_rng(0))


def code(shop: Dataset, item_id: str) -> int:
    """The product's code."""
    return shop.items.code[item_id]


def test_products_that_nobody_met_are_proposed_for_what_goes_with_their_kind(
    shop: Dataset, model: TwoTower
) -> None:
    for last, wanted in (("pot1", "lid"), ("saw1", "nail")):
        scores = model.scores(asked_after(code(shop, last)))[0]
        mean = {
            kind: scores[[code(shop, f"{kind}{n}") for n in (8, 9)]].mean()
            for kind in ("pot", "lid", "saw", "nail")
        }
        assert max(mean, key=lambda kind: mean[kind]) == wanted


def test_a_product_put_a_second_ago_is_scored_by_its_content(
    shop: Dataset, model: TwoTower
) -> None:
    wider = model.with_product(Product("new", title="lid colour3", price=13.0))
    asked = asked_after(code(shop, "pot1"))
    scores = wider.scores(asked)[0]
    np.testing.assert_array_equal(scores[:-1], model.scores(asked)[0])
    pots = [code(shop, f"pot{n}") for n in range(8)]
    assert scores[-1] > scores[pots].max()
    after_new = wider.scores(asked_after(len(shop.items)))[0, :-1]
    assert shop.items.ids[after_new.argmax()].startswith("pot")


def test_a_product_of_which_nothing_is_known_is_not_scored(shop: Dataset, model: TwoTower) -> None:
    wider = model.with_product(Product("blank"))
    assert np.isneginf(wider.scores(asked_after(code(shop, "pot1")))[0, -1])
    assert np.isneginf(wider.scores(asked_after(len(shop.items)))).all()


def test_training_lowers_the_loss(model: TwoTower) -> None:
    assert model.losses[-1] < 0.8 * model.losses[0]


def test_popular_products_are_not_unlearnt_for_being_in_every_batch() -> None:
    # One product is next in half of all cases, nine share the other half, whatever came before.
    rng = np.random.default_rng(1)
    rows = []
    for user in range(400):
        rows.append((f"u{user}", f"start{rng.integers(3)}", "view", 0))
        popular = rng.random() < 0.5
        rows.append((f"u{user}", "star" if popular else f"p{rng.integers(9)}", "view", 1))
    items = ["star", *(f"p{n}" for n in range(9)), *(f"start{n}" for n in range(3))]
    shop = shop_of(sorted(rows, key=lambda row: row[3]), items, [])
    config = SMALL.model_copy(update={"id_dropout": 0.0, "batch": 256, "epochs": 40})
    model = TwoTower.fit(shop, config, np.random.default_rng(0))
    for start in range(3):
        scores = model.scores(asked_after(10 + start))[0]
        assert scores.argmax() == 0
        odds = scores[0] - scores[1:10].mean()
        assert odds == pytest.approx(np.log(9), abs=1.0)


def test_without_text_ids_alone_are_learnt() -> None:
    matrix = sparse.csr_matrix(np.kron(np.eye(2), np.ones((30, 6))))
    model = TwoTower.fit(matrix, SMALL, np.random.default_rng(0))
    scores = model.scores(asked_after(0))[0]
    assert scores[:6].min() > scores[6:].max()


def test_a_vector_is_what_the_layers_say() -> None:
    tower = Tower(
        inner=np.array([[1.0, -1.0], [0.0, 2.0]], np.float32),
        bias=np.array([0.5, 0.0], np.float32),
        outer=np.array([[1.0, 0.0], [0.0, 3.0]], np.float32),
    )
    # 2·token 0 is (2, 0); hidden: relu(2.5, -2) = (2.5, 0); out: (2 + 2.5, 0)
    towers = Towers(np.array([[1.0, 0.0], [0.0, 1.0]], np.float32), tower, tower)
    content = sparse.csr_matrix(np.array([[2.0, 0.0], [0.0, 0.0]], np.float32))
    inputs = towers.inputs(content, None)
    assert towers.step.of(inputs).tolist() == [[4.5, 0], [0, 0]]
    assert towers.item_vectors(inputs).tolist() == [[1, 0], [0, 0]]


def test_every_step_but_the_first_is_an_example_of_what_came_before() -> None:
    rows = [("u", "a", "view", 0), ("u", "b", "view", 1), ("v", "b", "view", 2)]
    rows += [("u", "c", "purchase", 3)]
    shop = shop_of(rows, ["c", "b", "a"], [])
    examples = examples_of(shop, SMALL.weights, decay=0.5, length=5)
    assert [shop.items.ids[code] for code in examples.codes] == ["a", "b", "c"]
    assert told(examples) == [(1, {0: 1.0}), (2, {1: 1.0, 0: 0.5})]
    assert examples.importance.tolist() == pytest.approx([0.5, 1.5])
    assert examples.target_counts().tolist() == [0, 1, 1]


def told(examples: Examples) -> list[tuple[int, dict[int, float]]]:
    """Each next item, and the weight of what came before it."""
    return [
        (
            int(examples.item[target]),
            {
                int(examples.item[place]): float(weight)
                for place, weight in zip(places, weights, strict=True)
                if weight > 0
            },
        )
        for target, places, weights in zip(
            examples.target, examples.context, examples.weight, strict=True
        )
    ]


def test_products_bought_together_do_not_push_each_other_back_in_time() -> None:
    rows = [("u", "a", "view", 0), ("u", "b", "view", 0), ("u", "c", "view", 5)]
    shop = shop_of(rows, ["a", "b", "c"], [])
    examples = examples_of(shop, SMALL.weights, decay=0.5, length=5)
    assert told(examples) == [(1, {0: 1.0}), (2, {1: 1.0, 0: 1.0})]
    assert shop.events.time_ms[2] == 5 * DAY_MS


def test_prices_are_levels_of_equally_many_products() -> None:
    products = [Product(f"p{n}", price=float(n + 1)) for n in range(8)] + [Product("free")]
    found = ContentTokens.of(
        products,
        FieldWeights(),
        price_weight=0.5,
        price_levels=4,
        min_products=1,
        max_tokens=100,
        idf_power=1.0,
    )
    assert [list(found.found(one)) for one in products] == [
        *([f"price={n // 2}"] for n in range(8)),
        [],
    ]


def test_reasons_add_up_and_name_the_history(shop: Dataset, model: TwoTower) -> None:
    pot, saw, lid = (code(shop, name) for name in ("pot1", "saw1", "lid1"))
    asked = asked_after(saw, pot)
    (why,) = model.explain(asked, np.array([lid], np.int32))
    assert [one.because for one in why] == [pot, saw]
    total = sum(one.amount for one in why)
    assert total == pytest.approx(float(model.scores(asked)[0, lid]), rel=1e-4)


def test_without_torch_it_says_what_to_install(
    shop: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(extras, "installed", lambda _: False)
    with pytest.raises(MissingExtraError, match=r"shelfwise\[deep\]"):
        TwoTower.fit(shop, SMALL, np.random.default_rng(0))
