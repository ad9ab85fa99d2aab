from __future__ import annotations

import csv
import json
from collections import Counter, defaultdict
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from pydantic import ValidationError
from scipy.stats import spearmanr

from shelfwise.core.columns import EVENTS_SCHEMA, PRODUCTS_SCHEMA, REVIEWS_SCHEMA
from shelfwise.core.dataset import Events
from shelfwise.core.vocabulary import Vocabulary
from shelfwise.features.reviews import ReviewDigest
from shelfwise.ingest.demo_shop import DemoConfig, DemoShop, simulate

DAY_MS = 86_400_000
SMALL = DemoConfig(shoppers=150, products=100, days=90, visits=4.0)


@pytest.fixture(scope="module")
def shop() -> DemoShop:
    """Fewer products than the demo's, so that each has enough reviews."""
    return simulate(DemoConfig(shoppers=1500, products=360, visits=7.0), seed=1)


@pytest.fixture(scope="module")
def digest(shop: DemoShop) -> ReviewDigest:
    """What the features room reads in the reviews."""
    items = Vocabulary.of(shop.truth.item_ids)
    nobody = pa.array(np.full(len(shop.reviews), -1, np.int32))
    coded = shop.reviews.append_column(
        pa.field("item", pa.int32()), pa.array(items.encode(shop.reviews["item_id"]))
    ).append_column(pa.field("user", pa.int32()), nobody)
    none = Events.of(np.empty(0, np.int32), np.empty(0, np.int32))
    return ReviewDigest.of(coded, none, len(items), np.random.default_rng(0))


def of_type(shop: DemoShop, name: str) -> pa.Table:
    """The events of one type by people."""
    chosen = pc.equal(shop.events["event_type"], name)
    people = pc.invert(pc.is_in(shop.events["user_id"], pa.array(shop.truth.bots)))
    return shop.events.filter(pc.and_(chosen, people))


def paths(shop: DemoShop) -> dict[str, str]:
    """Category path by product id."""
    ids, categories = (shop.products[name].to_pylist() for name in ("item_id", "category"))
    return dict(zip(ids, categories, strict=True))


def test_tables_have_the_common_columns_and_are_in_order_of_time(shop: DemoShop) -> None:
    assert shop.events.schema == EVENTS_SCHEMA
    assert shop.products.schema == PRODUCTS_SCHEMA
    assert shop.reviews.schema == REVIEWS_SCHEMA
    assert (np.diff(shop.events["time_ms"].to_numpy()) >= 0).all()
    assert len(shop.products) == 360


def test_the_same_seed_gives_the_same_shop_and_another_seed_another() -> None:
    one, same, other = (simulate(SMALL, seed) for seed in (5, 5, 6))
    assert one.events.equals(same.events)
    assert one.products.equals(same.products)
    assert one.reviews.equals(same.reviews)
    assert one.unreadable == same.unreadable
    assert not one.events.equals(other.events)


def test_titles_are_readable_distinct_and_name_brand_and_thing(shop: DemoShop) -> None:
    titles = shop.products["title"].to_pylist()
    assert len(set(titles)) == len(titles)
    for row in shop.products.to_pylist()[:50]:
        assert row["brand"] is None or row["title"].startswith(row["brand"])
        assert row["category"].count(" > ") == 2
        assert row["price"] > 0


def test_every_event_is_of_a_known_product_and_has_a_shopper_or_a_visit(shop: DemoShop) -> None:
    events = shop.events
    known = pc.is_in(events["item_id"], shop.products["item_id"].combine_chunks())
    search = pc.equal(events["event_type"], "search")
    assert pc.all(pc.or_(known, search)).as_py()
    assert pc.all(pc.or_(pc.is_valid(events["user_id"]), pc.is_valid(events["session_id"]))).as_py()
    guests = pc.mean(pc.cast(pc.is_null(events["user_id"]), pa.float64())).as_py()
    assert 0.05 < guests < 0.2


def test_views_are_more_than_carts_are_more_than_purchases(shop: DemoShop) -> None:
    counts = Counter(shop.events["event_type"].to_pylist())
    assert counts["view"] > 2 * counts["add_to_cart"] > 2 * counts["purchase"]
    assert counts["purchase"] > counts["rate"] > counts["refund"] > 0


def test_few_products_take_much_of_the_attention_and_few_shoppers_give_much(
    shop: DemoShop,
) -> None:
    views = of_type(shop, "view")
    for column, n, low, high in (("item_id", 360, 0.25, 0.75), ("user_id", 1500, 0.25, 0.6)):
        counts = Counter(views[column].drop_null().to_pylist())
        top = sum(count for _, count in counts.most_common(n // 10))
        assert low < top / sum(counts.values()) < high


def test_no_product_is_seen_before_it_is_launched(shop: DemoShop) -> None:
    truth = shop.truth
    launch = dict(zip(truth.item_ids, truth.world.launch_day.tolist(), strict=True))
    views = of_type(shop, "view")
    start = views["time_ms"][0].as_py() // DAY_MS * DAY_MS
    days = (views["time_ms"].to_numpy() - start) // DAY_MS
    launched = np.array([launch[item] for item in views["item_id"].to_pylist()])
    assert (days >= launched).all()
    assert (truth.world.launch_day > 0).mean() == pytest.approx(0.25, abs=0.08)


def test_what_stands_higher_is_looked_at_more(shop: DemoShop) -> None:
    shown, seen = (
        Counter(of_type(shop, name)["position"].drop_null().to_pylist())
        for name in ("impression", "view")
    )
    rate = [seen[place] / shown[place] for place in range(1, 9)]
    assert rate[0] > 1.5 * rate[3] > 1.5 * rate[7]


def test_among_what_was_shown_shoppers_look_at_what_they_like(shop: DemoShop) -> None:
    user = {name: row for row, name in enumerate(shop.truth.user_ids)}
    item = {name: row for row, name in enumerate(shop.truth.item_ids)}
    liking = {
        name: np.mean(
            [
                shop.truth.utility[user[u], item[i]]
                for u, i in zip(
                    table["user_id"].to_pylist(), table["item_id"].to_pylist(), strict=True
                )
                if u is not None
            ]
        )
        for name in ("impression", "view", "purchase")
        for table in [of_type(shop, name)]
    }
    assert liking["impression"] + 0.3 < liking["view"] < liking["purchase"] - 0.1


def test_what_goes_together_is_bought_in_sequence(shop: DemoShop) -> None:
    path = paths(shop)
    bought = defaultdict(list)
    purchases = of_type(shop, "purchase").select(["user_id", "item_id", "time_ms"]).to_pylist()
    for row in purchases:
        if row["user_id"] is not None:
            bought[row["user_id"]].append((row["time_ms"], path[row["item_id"]]))
    followed: Counter[bool] = Counter()
    by_chance: Counter[bool] = Counter()
    for history in bought.values():
        for time_ms, category in history:
            goes_with = shop.truth.goes_with.get(category, ())
            near = [(t - time_ms, c) for t, c in history if 0 < abs(t - time_ms) < 16 * DAY_MS]
            for gap, other in near:
                (followed if gap > 0 else by_chance)[other in goes_with] += 1
    assert goes_with_share(followed) > 2 * goes_with_share(by_chance)


def goes_with_share(counts: Counter[bool]) -> float:
    """Share of true among counted."""
    return counts[True] / counts.total()


def test_what_is_used_up_is_bought_again_after_its_time_and_the_rest_is_not(
    shop: DemoShop,
) -> None:
    path, usual = paths(shop), shop.truth.repurchase_days
    last: dict[tuple[str, str], int] = {}
    ratios, others = [], 0
    for row in of_type(shop, "purchase").to_pylist():
        if row["user_id"] is None:
            continue
        key = (row["user_id"], row["item_id"])
        days = usual.get(path[row["item_id"]])
        if key in last and row["time_ms"] - last[key] > DAY_MS:
            if days is None:
                others += 1
            else:
                ratios.append((row["time_ms"] - last[key]) / DAY_MS / days)
        last[key] = row["time_ms"]
    assert len(ratios) > 100
    assert others < 0.1 * len(ratios)
    assert 0.8 < np.median(ratios) < 2.0


def test_seasons_move_what_is_bought(shop: DemoShop) -> None:
    path = paths(shop)
    views = of_type(shop, "view")
    month = pc.month(pc.cast(views["time_ms"], pa.timestamp("ms"))).to_numpy()
    shelf = [path[item] for item in views["item_id"].to_pylist()]
    grill = np.array(shelf) == "Garden > Barbecue > Grills"
    summer, autumn = np.isin(month, [6, 7]), np.isin(month, [10, 11])
    assert grill[summer].mean() > 2 * grill[autumn].mean()


def test_hidden_quality_shows_in_stars_words_and_refunds(
    shop: DemoShop, digest: ReviewDigest
) -> None:
    items = Vocabulary.of(shop.truth.item_ids)
    quality = shop.truth.world.quality
    enough = digest.ratings.n >= 4
    assert enough.sum() > 100
    assert spearmanr(digest.ratings.mean[enough], quality[enough]).statistic > 0.6
    assert spearmanr(digest.sentiment[enough], quality[enough]).statistic > 0.6
    bought, sent_back = (
        np.bincount(items.encode(of_type(shop, name)["item_id"]), minlength=len(items))
        for name in ("purchase", "refund")
    )
    good = quality > np.median(quality)
    assert sent_back[~good].sum() / bought[~good].sum() > 1.5 * (
        sent_back[good].sum() / bought[good].sum()
    )


def test_praised_parts_are_the_good_parts(shop: DemoShop, digest: ReviewDigest) -> None:
    praised: list[float] = []
    blamed: list[float] = []
    for item in range(len(shop.truth.item_ids)):
        names = shop.truth.aspects_of(item)
        facts = digest.facts(item)
        for said, into in ((facts.praised, praised), (facts.criticised, blamed)):
            into += [
                shop.truth.world.aspect_quality[item, names.index(fact.aspect)]
                for fact in said
                if fact.aspect in names
            ]
    assert len(praised) > 100
    assert len(blamed) > 20
    assert np.mean(praised) > 0.5
    assert np.mean(blamed) < -0.3


def test_the_dirt_is_there_in_the_numbers_told(shop: DemoShop) -> None:
    truth = shop.truth
    rows = shop.events.drop_columns(["order"])
    told_again = len(rows) - len(rows.group_by(rows.column_names).aggregate([]))
    assert told_again == truth.repeated_events > 0
    assert sum(truth.unreadable.values()) == len(shop.unreadable) > 0
    by_bots = pc.sum(pc.is_in(shop.events["user_id"], pa.array(truth.bots))).as_py()
    assert by_bots > 1500
    assert Counter(shop.events["event_type"].to_pylist())["refund"] >= truth.refunds > 0


def test_without_dirt_every_row_is_good_and_of_a_person() -> None:
    clean = simulate(SMALL.model_copy(update={"dirt": False}), seed=5)
    rows = clean.events.drop_columns(["order"])
    assert len(rows.group_by(rows.column_names).aggregate([])) == len(rows)
    assert clean.unreadable == ()
    assert clean.truth.bots == ()
    users = set(clean.events["user_id"].drop_null().to_pylist())
    assert users <= set(clean.truth.user_ids)


def test_files_hold_every_row_and_the_unreadable_ones(tmp_path: Path) -> None:
    one = simulate(SMALL, seed=5)
    files = one.write_csv(tmp_path / "export")
    with files.events.open(encoding="utf-8", newline="") as file:
        events = list(csv.DictReader(file))
    assert len(events) == len(one.events) + len(one.unreadable)
    assert {"user_id", "item_id", "event_type", "timestamp"} <= set(events[0])
    assert sum(row["event_type"] == "teleport" for row in events) == 12
    with files.products.open(encoding="utf-8", newline="") as file:
        products = list(csv.DictReader(file))
    assert len(products) == len(one.products) + one.truth.conflicting_products
    assert products[0]["attributes"].startswith("colour=")
    assert any("&amp;" in row["description"] for row in products)
    reviews = [json.loads(line) for line in files.reviews.read_text(encoding="utf-8").splitlines()]
    assert [row["text"] for row in reviews] == one.reviews["text"].to_pylist()


def test_a_misspelt_setting_is_refused() -> None:
    with pytest.raises(ValidationError, match="shopers"):
        DemoConfig.model_validate({"shopers": 3})
