"""What every model of `MODELS` must do, whatever it has learnt."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy import sparse
from tests.retrieval.conftest import N_ITEMS, asked_after, no_question

from shelfwise.core.columns import EVENT_CODE
from shelfwise.core.dataset import Dataset, empty_products
from shelfwise.core.model import Model, ModelState
from shelfwise.core.requests import Histories, Requests
from shelfwise.core.vocabulary import Vocabulary
from shelfwise.retrieval import MODEL_NAMES, MODELS, ModelClass
from shelfwise.retrieval.topk import top_k

WITHOUT_HISTORY = {"popular"}
"""Models that say the same to everyone."""

each_model = pytest.mark.parametrize("name", MODEL_NAMES)


def kind_of(name: str) -> tuple[ModelClass, object]:
    """The class of that name and its default settings."""
    return next((kind, config()) for own, kind, config in MODELS if own == name)


def fitted(name: str, data: Dataset | sparse.csr_matrix, seed: int = 0) -> Model:
    """The model of that name with its default settings."""
    kind, config = kind_of(name)
    return kind.fit(data, config, np.random.default_rng(seed))


@pytest.fixture(scope="module")
def models(shop: Dataset) -> dict[str, Model]:
    """Every model, fitted on the shop."""
    return {name: fitted(name, shop) for name in MODEL_NAMES}


@each_model
def test_scores_are_float32_rows_over_the_catalogue_and_never_nan(
    name: str, models: dict[str, Model], asked: Requests
) -> None:
    scores = models[name].scores(asked)
    assert scores.dtype == np.float32
    assert scores.shape == (len(asked), N_ITEMS)
    assert not np.isnan(scores).any()
    assert np.isfinite(scores).any()
    assert not np.isposinf(scores).any()


@each_model
def test_the_model_says_its_name_and_is_a_model(name: str, models: dict[str, Model]) -> None:
    assert models[name].name == name
    assert isinstance(models[name], Model)


@each_model
def test_without_history_only_popularity_has_an_opinion(
    name: str, models: dict[str, Model]
) -> None:
    scored = np.isfinite(models[name].scores(no_question())).any()
    assert scored == (name in WITHOUT_HISTORY)


@each_model
def test_an_empty_batch_gives_no_rows(name: str, models: dict[str, Model], asked: Requests) -> None:
    assert models[name].scores(asked.part(0, 0)).shape == (0, N_ITEMS)


@each_model
def test_who_asks_does_not_matter_only_what_they_did(
    name: str, models: dict[str, Model], asked: Requests
) -> None:
    anonymous = replace(asked, user=np.full(len(asked), -1, np.int32))
    np.testing.assert_array_equal(models[name].scores(asked), models[name].scores(anonymous))


@each_model
def test_a_batch_answers_like_single_questions(
    name: str, models: dict[str, Model], asked: Requests
) -> None:
    batch = models[name].scores(asked)
    for row in range(len(asked)):
        single = models[name].scores(asked.part(row, row + 1))[0]
        np.testing.assert_allclose(single, batch[row], rtol=1e-5, atol=1e-6)


@each_model
def test_the_answer_belongs_to_the_caller(
    name: str, models: dict[str, Model], asked: Requests
) -> None:
    first = models[name].scores(asked)
    kept = first.copy()
    first[:] = 7.0
    np.testing.assert_array_equal(models[name].scores(asked), kept)


@each_model
def test_more_items_than_there_are_can_be_asked_for(
    name: str, models: dict[str, Model], asked: Requests
) -> None:
    scores = models[name].scores(asked)
    items, _ = top_k(scores, N_ITEMS + 5)
    assert ((items >= 0).sum(axis=1) == np.isfinite(scores).sum(axis=1)).all()


@each_model
def test_a_state_kept_as_json_and_mapped_files_gives_back_the_same_model(
    name: str, models: dict[str, Model], asked: Requests, tmp_path: Path
) -> None:
    kind, _ = kind_of(name)
    state = models[name].state()
    for key, array in state.arrays.items():
        np.save(tmp_path / f"{key}.npy", array)
    mapped = {key: np.load(tmp_path / f"{key}.npy", mmap_mode="r") for key in state.arrays}
    again = kind.from_state(ModelState(json.loads(json.dumps(state.settings)), mapped))
    np.testing.assert_array_equal(again.scores(asked), models[name].scores(asked))
    assert again.state().settings == state.settings
    one = asked.part(3, 4)
    items = top_k(again.scores(one), 3)[0][0]
    shown = items[items >= 0]
    assert again.explain(one, shown) == models[name].explain(one, shown)


@each_model
def test_the_same_seed_gives_the_same_model(
    name: str, models: dict[str, Model], shop: Dataset, asked: Requests
) -> None:
    np.testing.assert_array_equal(
        fitted(name, shop, seed=0).scores(asked), models[name].scores(asked)
    )


@each_model
def test_renaming_every_item_changes_nothing(
    name: str, models: dict[str, Model], shop: Dataset, asked: Requests
) -> None:
    new_code = np.random.default_rng(9).permutation(N_ITEMS).astype(np.int32)
    old_code = np.argsort(new_code)
    renamed = replace(
        shop,
        items=Vocabulary.of(f"x{code}" for code in old_code),
        events=replace(shop.events, item=new_code[shop.events.item]),
        products=shop.products.take(old_code),
    )
    history = replace(asked.history, item=new_code[asked.history.item])
    scores = fitted(name, renamed).scores(replace(asked, history=history))
    np.testing.assert_allclose(
        scores[:, new_code], models[name].scores(asked), rtol=2e-3, atol=2e-4
    )


@each_model
def test_renaming_every_shopper_changes_nothing(
    name: str, models: dict[str, Model], shop: Dataset, asked: Requests
) -> None:
    new_code = np.random.default_rng(9).permutation(shop.n_users).astype(np.int32)
    renamed = shop.with_events(replace(shop.events, user=new_code[shop.events.user]))
    np.testing.assert_allclose(
        fitted(name, renamed).scores(asked), models[name].scores(asked), rtol=2e-3, atol=2e-4
    )


@each_model
def test_what_happens_after_the_cut_changes_nothing(
    name: str, shop: Dataset, asked: Requests
) -> None:
    cut = int(np.quantile(shop.events.time_ms, 0.7))
    planted = replace(shop.events, item=shop.events.item.copy())
    later = planted.time_ms >= cut
    planted.item[later] = 0
    known = Requests.of_histories(Histories.of_users(shop.before(cut), asked.user), 10)
    np.testing.assert_array_equal(
        fitted(name, shop.before(cut)).scores(known),
        fitted(name, shop.with_events(planted).before(cut)).scores(known),
    )


@each_model
def test_a_new_event_changes_the_very_next_answer(name: str, models: dict[str, Model]) -> None:
    before = models[name].scores(asked_after(0))
    bought = asked_after(0, 11, 11)
    kinds = bought.history.type.copy()
    kinds[2] = EVENT_CODE["view"]  # and looked at it again
    after = models[name].scores(replace(bought, history=replace(bought.history, type=kinds)))
    assert (not np.array_equal(before, after)) == (name not in WITHOUT_HISTORY)


@each_model
def test_a_product_younger_than_the_model_is_passed_over(
    name: str, models: dict[str, Model]
) -> None:
    old = models[name].scores(asked_after(3, 5, days=[0, 1]))
    with_new = models[name].scores(asked_after(3, N_ITEMS + 4, 5, days=[0, 1, 1]))
    np.testing.assert_array_equal(old, with_new)


@each_model
def test_impressions_and_refunds_are_no_interest(name: str, models: dict[str, Model]) -> None:
    one = asked_after(3, 5, days=[0, 1])
    noisy = asked_after(3, 8, 5, 9, days=[0, 1, 1, 1])
    kinds = noisy.history.type.copy()
    kinds[1], kinds[3] = EVENT_CODE["impression"], EVENT_CODE["refund"]
    noisy = replace(noisy, history=replace(noisy.history, type=kinds))
    np.testing.assert_array_equal(models[name].scores(one), models[name].scores(noisy))


@each_model
def test_every_scored_item_of_the_answer_is_explained_by_what_adds_up_to_its_score(
    name: str, models: dict[str, Model], asked: Requests
) -> None:
    for row in range(0, len(asked), 7):
        one = asked.part(row, row + 1)
        items, values = top_k(models[name].scores(one), 5)
        shown = items[0][items[0] >= 0]
        explained = models[name].explain(one, shown)
        assert len(explained) == len(shown)
        for contributions, value in zip(explained, values[0], strict=False):
            amounts = [one.amount for one in contributions]
            assert amounts
            assert amounts == sorted(amounts, reverse=True)
            assert sum(amounts) == pytest.approx(float(value), rel=1e-3, abs=1e-4)
            assert all(np.isfinite(list(one.facts.values())).all() for one in contributions)


@each_model
def test_reasons_name_items_of_the_history_only(
    name: str, models: dict[str, Model], asked: Requests
) -> None:
    one = asked.part(2, 3)
    items, _ = top_k(models[name].scores(one), 5)
    known = {-1, *one.history.item.tolist()}
    for contributions in models[name].explain(one, items[0][items[0] >= 0]):
        assert {one.because for one in contributions} <= known


@each_model
def test_a_shop_without_events_gets_a_model_without_opinions(name: str, shop: Dataset) -> None:
    empty = shop.with_events(shop.events.take(np.zeros(len(shop.events), np.bool_)))
    scores = fitted(name, replace(empty, products=empty_products(shop.items))).scores(
        asked_after(1)
    )
    assert np.isneginf(scores).all()


@each_model
def test_a_sparse_matrix_will_do(name: str) -> None:
    rng = np.random.default_rng(4)
    matrix = sparse.csr_matrix((rng.random((60, 15)) < 0.2).astype(np.float32))
    scores = fitted(name, matrix).scores(asked_after(1, 2))
    assert scores.shape == (1, 15)
