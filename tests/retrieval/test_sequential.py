"""The sequential transformer: against PyTorch's own forward pass, and what it learns."""

from __future__ import annotations

import sys
from dataclasses import replace

import numpy as np
import pytest
from scipy import sparse
from tests.retrieval.conftest import asked_after, shop_of

from shelfwise.core.columns import EVENT_CODE
from shelfwise.core.dataset import Dataset
from shelfwise.core.errors import ConfigError, MissingExtraError
from shelfwise.core.event import Product
from shelfwise.core.ragged import Ragged
from shelfwise.core.requests import Histories, Requests
from shelfwise.retrieval.interactions import EventWeights
from shelfwise.retrieval.sequential import Sequential, SequentialConfig, _rule
from shelfwise.retrieval.sequential_network import Network, Steps
from shelfwise.retrieval.sequential_rule import batch_parts

pytest.importorskip("torch")

SMALL = SequentialConfig(size=16, heads=2, layers=2, learning_rate=5e-3, dropout=0.2)


def fitted(data: Dataset, config: SequentialConfig = SMALL) -> Sequential:
    """The model of the data, seed 0."""
    return Sequential.fit(data, config, np.random.default_rng(0))


@pytest.fixture(scope="module")
def walk() -> Dataset:
    """Forty shoppers who walk a ring of ten products, each from another place."""
    rows = [
        (f"u{user}", f"p{(user + step) % 10}", "purchase", step)
        for step in range(6)
        for user in range(40)
    ]
    words = [
        Product(f"p{item}", title=f"thing {'even' if item % 2 else 'odd'}") for item in range(10)
    ]
    return shop_of(rows, [f"p{item}" for item in range(11)], words)


@pytest.fixture(scope="module")
def model(walk: Dataset) -> Sequential:
    """Fitted on the walk."""
    return fitted(walk)


def test_it_learns_that_one_product_comes_after_another(model: Sequential) -> None:
    for item in range(10):
        before = (item - 1) % 10
        scores = model.scores(asked_after(before, item))[0]
        scores[[before, item]] = -np.inf  # as an answer hides what was met
        assert int(np.argmax(scores)) == (item + 1) % 10


def test_scores_are_log_probabilities_against_a_draw_at_random(model: Sequential) -> None:
    scores = model.scores(asked_after(1, 2))[0]
    assert np.exp(scores[model.trained].astype(np.float64)).mean() == pytest.approx(1.0, rel=1e-4)


def test_a_batch_has_the_very_bits_of_single_answers(model: Sequential) -> None:
    lists = [[1], [2, 3, 4], [5, 6], [], [9, 0, 1, 2, 3]]
    batch = model.scores(Requests.of_histories(Histories.of_items(Ragged.of(lists)), 5))
    for row, items in enumerate(lists):
        one = Requests.of_histories(Histories.of_items(Ragged.of([items])), 5)
        np.testing.assert_array_equal(model.scores(one)[0], batch[row])


def test_the_compiled_network_is_pytorchs(model: Sequential) -> None:
    import torch

    from shelfwise.retrieval.sequential_rule import TrainingRule
    from shelfwise.retrieval.sequential_training import Batch, _Model

    rule = TrainingRule(16, 2, 2, 50, 0.5, 0.0, 0.0, 1e-3, 64, 1, None)
    torch.manual_seed(1)
    built = _Model(sparse.csr_matrix(np.zeros((11, 0), np.float32)), rule, several_kinds=True)
    with torch.no_grad():
        for parameter in built.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.3)
        item = np.array([[3, 1, 4, 1, 5], [9, 2, 6, 5, 3]])
        kind = np.array([[1, 1, 6, 1, 1], [6, 6, 1, 1, 6]])
        batch = Batch(item, kind, np.ones((2, 5), np.bool_), item[0], np.ones(5, np.float32))
        expected = built._hidden(batch, built.ids)[:, -1].numpy()
        columns = np.ascontiguousarray(built.ids.numpy().T)
    steps = Steps(np.array([0, 5, 10]), item.ravel().astype(np.int32), kind.ravel().astype(np.int8))
    found = built.network().vectors(steps, columns)
    np.testing.assert_allclose(found, expected, rtol=2e-4, atol=2e-5)


def test_amounts_are_what_each_step_further_back_adds(model: Sequential) -> None:
    asked = asked_after(3, 4, 5)
    (why,) = model.explain(asked, np.array([6], np.int32))
    amount = {one.because: one.amount for one in why}
    last, last_two, whole = (
        float(model.scores(asked_after(*steps))[0, 6]) for steps in ([5], [4, 5], [3, 4, 5])
    )
    assert amount[5] == pytest.approx(last, abs=1e-5)
    assert amount[4] == pytest.approx(last_two - last, abs=1e-5)
    assert amount[3] == pytest.approx(whole - last_two, abs=1e-5)


def test_a_product_nobody_met_is_scored_by_its_words_alone(model: Sequential) -> None:
    assert np.isneginf(model.scores(asked_after(2))[0, 10])  # nothing is known of it
    grown = model.with_product(Product("new", title="thing even", price=3.0))
    scores = grown.scores(asked_after(2))[0]
    assert np.isfinite(scores[11])
    np.testing.assert_array_equal(scores[:11], model.scores(asked_after(2))[0])
    silent = model.with_product(Product("silent"))
    assert np.isneginf(silent.scores(asked_after(2))[0, 11])


def test_a_history_may_hold_the_new_product(model: Sequential) -> None:
    grown = model.with_product(Product("new", title="thing even"))
    assert not np.array_equal(grown.scores(asked_after(2, 11)), grown.scores(asked_after(2)))


def test_more_products_than_get_vectors_go_by_their_words(walk: Dataset) -> None:
    model = fitted(walk, SMALL.model_copy(update={"max_items": 4}))
    assert model.trained.sum() == 4
    assert model.scored.sum() == 10


def test_a_sampled_softmax_learns_the_same_order(walk: Dataset) -> None:
    model = fitted(walk, SMALL.model_copy(update={"max_full": 5, "sampled": 3}))
    hits = [int(np.argmax(model.scores(asked_after(i))[0])) == (i + 1) % 10 for i in range(10)]
    assert sum(hits) >= 8


def test_what_kind_of_event_it_was_counts(walk: Dataset) -> None:
    types = walk.events.type.copy()
    types[::2] = EVENT_CODE["view"]
    model = fitted(walk.with_events(replace(walk.events, type=types)), SMALL)
    bought = asked_after(3)
    seen = replace(
        bought, history=replace(bought.history, type=np.array([EVENT_CODE["view"]], np.int8))
    )
    assert not np.array_equal(model.scores(bought), model.scores(seen))


def test_consecutive_events_on_one_product_are_one_step_of_the_weightiest_kind() -> None:
    kinds = [EVENT_CODE[kind] for kind in ("view", "purchase", "view", "view", "impression")]
    history = Histories(
        np.array([0, 5], np.int64),
        np.array([7, 7, 7, 2, 3], np.int32),
        np.array(kinds, np.int8),
        np.arange(5, dtype=np.int64),
    )
    weight = EventWeights().by_type()
    steps = Steps.of(history, weight, np.ones(9, np.bool_), 50)
    assert steps.item.tolist() == [7, 2]
    assert steps.kind.tolist() == [EVENT_CODE["purchase"], EVENT_CODE["view"]]
    latest = Steps.of(history, weight, np.ones(9, np.bool_), 1)
    assert latest.item.tolist() == [2]


def test_batches_hold_every_history_once_and_no_more_steps_than_asked() -> None:
    lengths = np.random.default_rng(0).integers(1, 30, 200)
    order = np.argsort(lengths, kind="stable")
    parts = list(batch_parts(order, lengths, 64))
    assert np.concatenate(parts).tolist() == order.tolist()
    assert max(len(part) * int(lengths[part].max()) for part in parts) <= 64


def test_the_minutes_bound_the_batches() -> None:
    windows = Steps(np.array([0, 3]), np.array([0, 1, 2], np.int32), np.zeros(3, np.int8))
    rows = sparse.csr_matrix(np.eye(3, dtype=np.float32))
    config = SequentialConfig(minutes=1e-9)
    assert _rule(windows, rows, config).n_batches == 1
    assert _rule(windows, rows, SMALL).n_batches > 1


def test_two_fits_have_the_same_bits(walk: Dataset, model: Sequential) -> None:
    again = fitted(walk).state().arrays
    for name, array in model.state().arrays.items():
        np.testing.assert_array_equal(again[name], array, err_msg=name)


def test_a_size_that_the_heads_do_not_divide_is_refused(walk: Dataset) -> None:
    with pytest.raises(ConfigError, match="heads"):
        fitted(walk, SequentialConfig(size=16, heads=3))


def test_without_pytorch_it_says_what_to_install(
    walk: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "shelfwise.core.extras.installed",
        lambda library: library in sys.modules and library != "torch",
    )
    with pytest.raises(MissingExtraError, match=r"shelfwise\[deep\]"):
        fitted(walk)


def test_answers_need_no_pytorch(model: Sequential) -> None:
    assert "torch" not in sys.modules[Sequential.__module__].__dict__
    assert "torch" not in sys.modules[Network.__module__].__dict__
