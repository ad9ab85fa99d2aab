"""A trained shop's answers: what they never hold, what counts at once, why they are true."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from shelfwise import Shop
from shelfwise.core.errors import BadInputError, StorageError
from shelfwise.core.event import Event, Product
from shelfwise.core.question import Question
from shelfwise.core.slate import Slate
from shelfwise.ingest.demo_shop import DemoShop
from shelfwise.pipeline.live import LiveShop
from shelfwise.pipeline.reasons import KINDS
from shelfwise.store.log_record import Content, Deletion, Erasure, Record

pytestmark = pytest.mark.slow
Tell = Callable[..., None]


@pytest.fixture
def live(shop: Shop) -> LiveShop:
    return shop.live()


@pytest.fixture
def tell(live: LiveShop) -> Tell:
    """Tells the live shop records as the server does, offsets counting on."""
    offset = [live.offset]

    def records(*contents: Content) -> None:
        offset[0] += 1
        kinds = {
            Event: "event",
            Product: "product_put",
            Deletion: "product_delete",
            Erasure: "erase_user",
        }
        live.apply([Record(offset[0], kinds[type(one)], one) for one in contents])  # type: ignore[arg-type]

    return records


def _now() -> int:
    return int(time.time() * 1000)


def _ids(slate: Slate) -> list[str]:
    return [item.item_id for item in slate.items]


def _shopper(live: LiveShop) -> str:
    shopper = live.some_shopper()
    assert shopper is not None
    return shopper


def _history(live: LiveShop, shopper: str) -> list[str]:
    held = live.user(shopper)
    assert held is not None
    return [event["item_id"] for event in held["events"]]


def test_an_answer_has_as_many_distinct_items_as_asked(live: LiveShop) -> None:
    for n in (1, 10, 50, 1000):
        slate = live.recommend(Question(user_id=_shopper(live), n=n), _now())
        assert len(set(_ids(slate))) == len(slate.items)
        assert [item.position for item in slate.items] == list(range(1, len(slate.items) + 1))
        assert len(slate.items) == n or n == 1000


def test_scores_descend(live: LiveShop) -> None:
    slate = live.recommend(Question(user_id=_shopper(live), n=40), _now())
    scores = [item.score for item in slate.items]
    assert scores == sorted(scores, reverse=True)


def test_a_seen_item_is_never_recommended_when_seen_are_excluded(live: LiveShop) -> None:
    shopper = _shopper(live)
    question = Question(user_id=shopper, n=100, seen="exclude")
    assert not set(_ids(live.recommend(question, _now()))) & set(_history(live, shopper))


def test_seen_items_come_back_when_they_are_allowed(live: LiveShop) -> None:
    shopper = _shopper(live)
    question = Question(user_id=shopper, n=100, seen="allow")
    assert set(_ids(live.recommend(question, _now()))) & set(_history(live, shopper))


def test_what_a_request_excludes_is_not_in_the_answer(live: LiveShop) -> None:
    shopper = _shopper(live)
    first = _ids(live.recommend(Question(user_id=shopper), _now()))
    again = live.recommend(Question(user_id=shopper, exclude=tuple(first)), _now())
    assert not set(first) & set(_ids(again))


def test_a_filter_holds_for_every_item(live: LiveShop) -> None:
    question = Question(user_id=_shopper(live), n=30, filter={"lt": ["price", 30]})
    slate = live.recommend(question, _now())
    prices = [product.price for product in map(live.product, _ids(slate)) if product is not None]
    assert len(prices) == len(slate.items) > 0
    assert all(price is not None and price < 30 for price in prices)


def test_a_filter_that_nothing_satisfies_gives_an_empty_answer(live: LiveShop) -> None:
    slate = live.recommend(Question(user_id=_shopper(live), filter={"lt": ["price", -1]}), _now())
    assert slate.items == ()


def test_a_bad_filter_names_its_field(live: LiveShop) -> None:
    with pytest.raises(BadInputError) as refused:
        live.recommend(Question(filter={"lt": ["size", 3]}), _now())
    assert refused.value.field == "filter.size"


def test_an_event_changes_that_shoppers_next_answer_and_no_other(
    live: LiveShop, tell: Tell
) -> None:
    shopper, other = "someone-new", "another-new"
    before = live.recommend(Question(user_id=shopper), _now())
    assert before.fallback
    assert before.missing_ids == (shopper,)
    item = _ids(before)[-1]
    tell(Event("view", _now(), user_id=shopper, item_id=item))
    after = live.recommend(Question(user_id=shopper), _now())
    assert not after.fallback
    assert after.missing_ids == ()
    assert _ids(after) != _ids(before)
    assert _ids(live.recommend(Question(user_id=other), _now())) == _ids(before)


def test_an_anonymous_session_is_answered_by_what_it_did(live: LiveShop, tell: Tell) -> None:
    empty = live.recommend(Question(session_id="s1"), _now())
    assert empty.fallback
    tell(Event("view", _now(), session_id="s1", item_id=_ids(empty)[0]))
    assert not live.recommend(Question(session_id="s1"), _now()).fallback


def test_an_item_alone_is_answered_with_what_goes_with_it_but_not_itself(live: LiveShop) -> None:
    item = _history(live, _shopper(live))[0]
    slate = live.recommend(Question(item_id=item), _now())
    assert not slate.fallback
    assert item not in _ids(slate)


def test_an_unknown_item_is_named_and_answered_sensibly(live: LiveShop) -> None:
    slate = live.recommend(Question(item_id="no-such-item"), _now())
    assert slate.missing_ids == ("no-such-item",)
    assert slate.fallback
    assert len(slate.items) == 10


def test_a_new_product_counts_in_the_next_answer(live: LiveShop, tell: Tell) -> None:
    item = _history(live, _shopper(live))[-1]
    twin = live.product(item)
    assert twin is not None
    new = Product(
        "brand-new",
        title=twin.title,
        description=twin.description,
        brand=twin.brand,
        category=twin.category,
        price=twin.price,
        attributes=twin.attributes,
    )
    tell(new)
    slate = live.recommend(Question(item_id=item, n=60), _now())
    assert "brand-new" in _ids(slate)
    about_it = next(one for one in slate.items if one.item_id == "brand-new")
    assert "content" in about_it.sources
    assert live.product("brand-new") == new
    goes_with = live.recommend(Question(item_id="brand-new"), _now())
    assert not goes_with.fallback
    assert item in _ids(live.recommend(Question(item_id="brand-new", n=60), _now()))


def test_a_deleted_product_never_appears_again(live: LiveShop, tell: Tell) -> None:
    shopper = _shopper(live)
    gone = _ids(live.recommend(Question(user_id=shopper), _now()))[0]
    tell(Deletion(gone))
    assert live.product(gone) is None
    assert gone not in _ids(live.recommend(Question(user_id=shopper, n=1000), _now()))


def test_an_out_of_stock_product_comes_back_with_its_stock(live: LiveShop, tell: Tell) -> None:
    shopper = _shopper(live)
    item = _ids(live.recommend(Question(user_id=shopper), _now()))[0]
    product = live.product(item)
    assert product is not None
    tell(Product(item, title=product.title, availability="out_of_stock"))
    assert item not in _ids(live.recommend(Question(user_id=shopper, n=1000), _now()))
    tell(product)
    assert item in _ids(live.recommend(Question(user_id=shopper, n=1000), _now()))


def test_an_erased_user_is_unknown(live: LiveShop, tell: Tell) -> None:
    shopper = _shopper(live)
    tell(Erasure(shopper))
    assert live.user(shopper) is None
    assert live.recommend(Question(user_id=shopper), _now()).fallback


def test_old_data_are_answered_as_of_their_end(live: LiveShop, tell: Tell) -> None:
    held = live.user(_shopper(live))
    assert held is not None
    last = held["events"][-1]["timestamp"]
    assert last < live.clock(_now()) < _now() - 30 * 86_400_000
    for item in live.recommend(Question(user_id=_shopper(live), n=30), _now()).items:
        for reason in item.reasons:
            days = {fact.name: fact.value for fact in reason.evidence}.get("days_ago", 0.0)
            assert isinstance(days, float)
            assert days < 200
    tell(Event("view", _now(), user_id="awake", item_id=held["events"][-1]["item_id"]))
    assert live.clock(_now()) >= _now() - 1000


def test_a_coincidence_of_one_or_two_shoppers_is_no_reason(live: LiveShop, demo: DemoShop) -> None:
    for shopper in demo.truth.user_ids[:40]:
        for item in live.recommend(Question(user_id=shopper), _now()).items:
            for reason in item.reasons:
                facts = {fact.name: fact.value for fact in reason.evidence}
                assert float(facts.get("both", 3)) >= 3


def test_a_bundle_of_another_version_of_the_code_says_train_again(
    trained: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "shop"
    shutil.copytree(trained, copy, ignore=shutil.ignore_patterns("export"))
    (about,) = copy.glob("models/*/about.json")
    text = about.read_text().replace('"item.trend"', '"item.trens"')
    about.write_text(text)
    with pytest.raises(StorageError, match=r"another version of Shelfwise.*shelfwise train"):
        Shop.open(copy).live()


def test_every_item_has_a_reason_with_evidence_or_says_it_is_only_available(
    live: LiveShop, demo: DemoShop
) -> None:
    for shopper in demo.truth.user_ids[:40]:
        for item in live.recommend(Question(user_id=shopper), _now()).items:
            assert item.reasons
            assert all(one.evidence for one in item.reasons if one.kind != "available")
            assert all(one.text and one.kind in KINDS for one in item.reasons)


def test_counts_told_as_reasons_are_the_counts_of_the_data(shop: Shop, demo: DemoShop) -> None:
    data = shop.dataset()
    buyers: dict[str, set[int]] = {}
    for user, item in zip(data.events.user.tolist(), data.events.item.tolist(), strict=True):
        buyers.setdefault(data.items.ids[item], set()).add(user)
    told = 0
    for shopper in demo.truth.user_ids[:60]:
        for item in shop.recommend(user_id=shopper).items:
            for reason in item.reasons:
                if reason.kind != "bought_together":
                    continue
                facts = {fact.name: fact for fact in reason.evidence}
                other = facts["both"].item_id
                assert other is not None
                assert facts["of"].value == len(buyers[other])
                assert facts["both"].value == len(buyers[other] & buyers[item.item_id])
                told += 1
    assert told > 0


def test_many_shoppers_at_once_get_what_each_gets_alone(shop: Shop, demo: DemoShop) -> None:
    shoppers = list(demo.truth.user_ids[:50])
    now = _now()
    live = shop.live()
    together = live.recommend_many([Question(user_id=one) for one in shoppers], now)
    for shopper, slate in zip(shoppers, together, strict=True):
        alone = live.recommend(Question(user_id=shopper), now)
        assert _ids(slate) == _ids(alone)
        np.testing.assert_allclose(
            [item.score for item in slate.items], [item.score for item in alone.items], rtol=1e-4
        )


def test_training_twice_gives_the_same_answers(trained: Path, tmp_path: Path) -> None:
    copy = tmp_path / "shop"
    shutil.copytree(trained, copy)
    first = Shop.open(copy, FAST)
    shopper = _shopper(first.live())
    before = first.live().recommend(Question(user_id=shopper, n=30), 1_760_000_000_000)
    published = first.train()
    assert published.promoted, published.says
    after = Shop.open(copy).live().recommend(Question(user_id=shopper, n=30), 1_760_000_000_000)
    assert [(one.item_id, one.score) for one in after.items] == [
        (one.item_id, one.score) for one in before.items
    ]


FAST = ("fusion.boosting.trees=20", "models.als.iterations=4", "fusion.forest.trees=10")
