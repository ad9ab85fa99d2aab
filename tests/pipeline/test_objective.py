"""Answers for another aim than relevance, on the simulated shop whose truth is known."""

from __future__ import annotations

import time

import numpy as np
import pytest

from shelfwise import Shop
from shelfwise.core.event import Product
from shelfwise.core.question import Question
from shelfwise.core.slate import Slate
from shelfwise.ingest.demo_shop import DemoShop
from shelfwise.pipeline.calibrate import learn_outlook
from shelfwise.pipeline.fit import fit_models, latest_window, learn_choice
from shelfwise.pipeline.progress import silent
from shelfwise.pipeline.recommend import recommend
from shelfwise.store.log_record import Record

pytestmark = pytest.mark.slow


def aimed(shop: Shop, *settings: str) -> Shop:
    """The same shop, opened with these settings."""
    return Shop.open(shop.root, (*settings,))


def answers(shop: Shop, demo: DemoShop, placement: str | None = None) -> list[Slate]:
    """What the first hundred shoppers see."""
    questions = [
        Question(user_id=user, placement=placement, explain=False)
        for user in demo.truth.user_ids[:100]
    ]
    return shop.live().recommend_many(questions, int(time.time() * 1000))


def mean_price(slates: list[Slate], demo: DemoShop) -> float:
    """Of all products shown."""
    place = {item_id: at for at, item_id in enumerate(demo.truth.item_ids)}
    price = demo.truth.world.price
    return float(np.mean([price[place[i.item_id]] for slate in slates for i in slate.items]))


def promised(slates: list[Slate], demo: DemoShop) -> float:
    """Revenue of an answer as the shop expects it."""
    place = {item_id: at for at, item_id in enumerate(demo.truth.item_ids)}
    price = demo.truth.world.price
    total = sum(
        (i.p_purchase or 0.0) * price[place[i.item_id]] for slate in slates for i in slate.items
    )
    return float(total / len(slates))


def test_every_item_says_how_likely_it_is_clicked_and_bought(shop: Shop, demo: DemoShop) -> None:
    about = shop.about()["probabilities"]
    assert set(about) == {"click", "purchase"}
    for slate in answers(shop, demo):
        for outcome in ("p_click", "p_purchase"):
            told = [getattr(item, outcome) for item in slate.items]
            known = [chance for chance in told if chance is not None]
            assert len(known) >= 8
            assert all(0 <= chance <= 1 for chance in known)
            assert known == sorted(known, reverse=True)
    for one in about.values():
        assert one["promised"] == pytest.approx(one["rate"], rel=0.35)
        assert one["days"] is None  # so small a shop is asked for each shopper's last choice


def test_revenue_as_the_aim_promises_more_money_and_relevance_stays_the_default(
    shop: Shop, demo: DemoShop
) -> None:
    usual = answers(shop, demo)
    dear = answers(aimed(shop, "objective.goal=revenue"), demo)
    assert promised(dear, demo) > 1.03 * promised(usual, demo)  # of so small a shop
    assert mean_price(dear, demo) > mean_price(usual, demo)
    assert answers(aimed(shop, "objective.goal=relevance"), demo)[0].items == usual[0].items


def test_an_aim_may_be_of_one_placement_alone(shop: Shop, demo: DemoShop) -> None:
    cart = aimed(shop, "objective.placements.cart.goal=revenue")
    assert answers(cart, demo, "home")[3].items == answers(shop, demo)[3].items
    everywhere = answers(aimed(shop, "objective.goal=revenue"), demo)
    assert answers(cart, demo, "cart")[3].items == everywhere[3].items


def test_filters_seen_products_order_and_reasons_hold_for_any_aim(
    shop: Shop, demo: DemoShop
) -> None:
    live = aimed(shop, "objective.goal=revenue").live()
    shopper = live.some_shopper()
    assert shopper is not None
    held = live.user(shopper)
    assert held is not None
    known = {event["item_id"] for event in held["events"]}
    question = Question(user_id=shopper, n=20, filter={"lt": ["price", 20]}, seen="exclude")
    slate = live.recommend(question, int(time.time() * 1000))
    assert len(slate.items) == 20
    for item in slate.items:
        product = live.product(item.item_id)
        assert product is not None
        assert product.price is not None
        assert product.price < 20
        assert item.item_id not in known
        assert item.reasons
    scores = [item.score for item in slate.items]
    assert scores == sorted(scores, reverse=True)


def test_a_new_price_counts_in_the_next_answer(shop: Shop) -> None:
    live = aimed(shop, "objective.goal=revenue").live()
    shopper = live.some_shopper()
    now = int(time.time() * 1000)
    last = live.recommend(Question(user_id=shopper), now).items[-1]
    product = live.product(last.item_id)
    assert product is not None
    dear = Product(last.item_id, title=product.title, category=product.category, price=1e6)
    live.apply([Record(live.offset + 1, "product_put", dear)])
    assert live.recommend(Question(user_id=shopper), now).items[0].item_id == last.item_id


def test_a_network_is_asked_for_chances_and_takes_over_only_where_it_is_better(
    shop: Shop,
) -> None:
    pytest.importorskip("torch")
    settings = ("train.models=['transition','repeat','popular']", "fusion.rankers=['rrf','linear']")
    config = aimed(shop, *settings, "fusion.calibration.learner=auto").config
    data = shop.dataset()
    split = latest_window(data, 0.2)
    fitted = fit_models(split.train, config, silent)
    learnt = learn_choice(fitted, split, config, silent)
    outlook = learn_outlook(data, fitted, split, learnt, config, silent)
    assert "network" in outlook.reports["click"].log_loss
    for report in outlook.reports.values():  # purchases may be too few for a head
        losses = report.log_loss
        assert report.by == "curve" or losses["network"] < losses["curve"]
    answered = recommend(fitted.engine(learnt.choice.ranker, config, outlook), split.requests)
    assert set(answered.chances) == set(outlook.reports)
    for chance in answered.chances.values():
        assert ((chance >= 0) & (chance <= 1)).all()
