from __future__ import annotations

import csv
import io
import os
import zipfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from tests.features.conftest import events_of, review

from shelfwise.core.dataset import CODED_REVIEWS_SCHEMA, Events
from shelfwise.features.reviews import ReviewDigest

NO_EVENTS = events_of([])
STRAP = (
    "The strap is great and easy to fit.",
    "I love the strap, it feels good on my arm.",
    "Excellent. The strap is soft.",
    "Good strap.",
)
BUCKLE = ("The buckle broke after a week.", "Sadly the buckle is poor and it broke.")
OTHER = ("It arrived on a train.", "We went to the sea with it.", "Then we came home.")


def digest(
    rows: list[dict[str, object]], n_items: int = 3, events: Events = NO_EVENTS
) -> ReviewDigest:
    """The digest of coded reviews."""
    table = pa.Table.from_pylist(rows, schema=CODED_REVIEWS_SCHEMA)
    return ReviewDigest.of(table, events, n_items, np.random.default_rng(0))


def bag_reviews() -> list[dict[str, object]]:
    """Of item 0 praise of the strap and blame of the buckle, of item 1 nothing to the point."""
    said = [review(0, text, 5.0, 1) for text in STRAP] + [
        review(0, text, 2.0, 1) for text in BUCKLE
    ]
    said += [review(1, text, 4.0, 1) for text in OTHER * 30]
    more = [review(2, "The strap and the buckle are on the table.", 3.0, 1) for _ in range(4)]
    return said + more


def test_reviewers_praise_the_strap_and_blame_the_buckle_with_counts_and_quotes() -> None:
    facts = digest(bag_reviews()).facts(0)
    (strap,) = facts.praised
    assert (strap.aspect, strap.n_positive, strap.n_negative) == ("strap", 4, 0)
    assert strap.quote in " ".join(STRAP)
    (buckle,) = facts.criticised
    assert (buckle.aspect, buckle.n_positive, buckle.n_negative) == ("buckle", 0, 2)
    assert buckle.quote in BUCKLE


def test_a_product_that_is_neither_praised_nor_blamed_has_no_aspects() -> None:
    whole = digest(bag_reviews())
    assert whole.facts(1).praised == whole.facts(1).criticised == ()
    assert whole.facts(2).praised == whole.facts(2).criticised == ()


def test_stars_are_shrunk_to_the_shops_where_reviews_are_few() -> None:
    rows = [review(0, "x", 5.0, 1)] + [review(1, "x", 3.0, 1) for _ in range(40)]
    whole = digest(rows)
    one, many, none = (whole.facts(item) for item in range(3))
    assert one.mean == pytest.approx(5)
    assert 3 < one.shrunk < 4
    assert many.shrunk == pytest.approx(3, abs=0.1)
    assert np.isnan(none.mean)
    assert none.n == 0


def test_a_recent_review_counts_more_in_the_recent_mean() -> None:
    rows = [review(0, "x", 1.0, 1), review(0, "x", 5.0, 2000), review(1, "x", 3.0, 2000)]
    ratings = digest(rows).ratings
    assert ratings.recent[0] > ratings.mean[0]


def test_without_stars_in_reviews_those_of_rated_events_count() -> None:
    events = events_of([(0, 0, "rate", 1.0), (1, 1, "rate", 2.0)])
    events.rating[:] = [5.0, 1.0]
    whole = digest([], events=events)
    assert whole.facts(0).mean == 5
    assert whole.facts(1).mean == 1
    assert whole.facts(0).n == 1
    assert np.isnan(whole.sentiment).all()


def test_a_shop_without_reviews_has_a_digest_that_says_so() -> None:
    whole = digest([])
    facts = whole.facts(0)
    assert facts.n == 0
    assert np.isnan(facts.shrunk)
    assert np.isnan(whole.topics).all()
    assert facts.praised == ()


def test_kinder_texts_have_the_higher_sentiment() -> None:
    facts = [digest(bag_reviews()).facts(item).sentiment for item in range(3)]
    assert facts[0] > facts[1]


def test_a_digest_comes_back_from_its_state() -> None:
    whole = digest(bag_reviews())
    again = ReviewDigest.from_state(whole.state())
    assert again.facts(0) == whole.facts(0)
    np.testing.assert_array_equal(again.columns(), whole.columns())


def test_a_product_that_came_after_the_digest_has_no_review() -> None:
    assert digest(bag_reviews()).facts(99).n == 0


def test_the_same_seed_gives_the_same_digest() -> None:
    one, other = (digest(bag_reviews()) for _ in range(2))
    assert one.quotes == other.quotes
    np.testing.assert_array_equal(one.columns(), other.columns())


@pytest.mark.data
@pytest.mark.slow
def test_stars_of_real_reviews_are_told_from_their_words() -> None:
    folder = os.environ.get("SHELFWISE_DATA")
    if folder is None:
        pytest.skip("SHELFWISE_DATA does not name the public data folder")
    (archive,) = (Path(folder) / "amazon2014" / "Musical_Instruments").glob("*.zip")
    with zipfile.ZipFile(archive) as zipped:
        (name,) = (name for name in zipped.namelist() if name.endswith(".csv"))
        with zipped.open(name) as file:
            lines = list(csv.DictReader(io.TextIOWrapper(file, "utf-8")))
    code: dict[str, int] = {}
    rows = [
        {
            **review(0, line["reviewText"], float(line["overall"]), 1),
            "title": line["summary"],
            "item": code.setdefault(line["asin"], len(code)),
        }
        for line in lines
    ]
    whole = digest(rows, len(code))
    assert len(rows) == 10_261
    assert whole.star_auc >= 0.93
    assert np.diff(whole.indptr).astype(bool).mean() > 0.9
