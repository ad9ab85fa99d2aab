"""Amazon reviews are ratings and texts; metadata are products."""

from __future__ import annotations

import json

from tests.ingest.conftest import Read, Write

REVIEW = {
    "overall": 5.0,
    "vote": "1,024",
    "reviewTime": "06 17, 2018",
    "reviewerID": "A3",
    "asin": "B004",
    "reviewText": "Another great gift.",
    "summary": "Five Stars",
    "unixReviewTime": 1529193600,
}


def test_a_review_is_a_rating_and_a_text(write: Write, read: Read) -> None:
    found = read(write("r.json.gz", json.dumps(REVIEW) + "\n"))
    assert found.format == "amazon"
    (event,) = found.events
    assert (event["user_id"], event["item_id"], event["event_type"], event["rating"]) == (
        "A3", "B004", "rate", 5.0,
    )  # fmt: skip
    assert found.reviews == [
        {
            "item_id": "B004", "user_id": "A3", "rating": 5.0, "time_ms": 1_529_193_600_000,
            "title": "Five Stars", "text": "Another great gift.", "helpful": 1024,
        }
    ]  # fmt: skip


def test_a_review_without_words_is_still_a_rating(write: Write, read: Read) -> None:
    silent = {name: value for name, value in REVIEW.items() if name != "reviewText"}
    found = read(write("r.json", json.dumps(REVIEW) + "\n" + json.dumps(silent) + "\n"))
    assert len(found.events) == 2
    assert [(row["kind"], row["line"], row["reason"]) for row in found.quarantine] == [
        ("reviews", 2, "missing_text")
    ]


def test_a_rating_of_six_stars_is_set_aside_twice(write: Write, read: Read) -> None:
    found = read(write("r.json", json.dumps(REVIEW | {"overall": 6.0}) + "\n"))
    assert sorted(str(row["kind"]) for row in found.quarantine) == ["events", "reviews"]


def test_reviews_of_2014_come_as_csv_with_two_vote_counts(write: Write, read: Read) -> None:
    text = (
        "reviewerID,asin,reviewerName,helpful,reviewText,overall,summary,unixReviewTime\n"
        'A1,B1,"Jo ""J""","[13, 14]","Fine,\nreally",4.0,good,1363392000\n'
    )
    found = read(write("r.csv", text))
    assert found.reviews[0]["helpful"] == 13
    assert found.reviews[0]["text"] == "Fine, really"


def test_metadata_of_2018_are_products(write: Write, read: Read) -> None:
    meta = {
        "category": ["Gift Cards", "Gift Cards"],
        "description": ["One &amp; two.", "Three."],
        "title": "Card",
        "also_buy": ["B2"],
        "image": ["http://a/1.jpg", "http://a/2.jpg"],
        "brand": "Acme",
        "also_view": [],
        "price": "$25.00",
        "asin": "B1",
        "feature": ["Never expires"],
    }
    junk = {"asin": "B2", "title": "Odd", "price": ".a-box-inner{background-color:#fff}"}
    found = read(write("m.json", json.dumps(meta) + "\n" + json.dumps(junk) + "\n"))
    first, second = found.products
    assert first["description"] == "One & two. Three. Never expires"
    assert (first["category"], first["brand"], first["price"]) == ("Gift Cards", "Acme", 25.0)
    assert (first["also_bought"], first["also_viewed"]) == (["B2"], None)
    assert first["image"] == "http://a/1.jpg"
    assert (second["price"], second["description"]) == (None, None)


def test_metadata_of_2014_are_python_dicts(write: Write, read: Read) -> None:
    line = (
        "{'asin': 'B1', 'title': \"Jo's Strings\", 'price': 7.5, 'imUrl': 'http://a/1.jpg', "
        "'categories': [['Music', 'Strings'], ['Music', 'Strings', 'Guitar']], "
        "'related': {'also_bought': ['B2', 'B3'], 'buy_after_viewing': ['B9']}}\n"
    )
    (row,) = read(write("m.json", line)).products
    assert (row["title"], row["price"]) == ("Jo's Strings", 7.5)
    assert row["category"] == "Music > Strings > Guitar"
    assert (row["also_bought"], row["also_viewed"]) == (["B2", "B3"], None)
