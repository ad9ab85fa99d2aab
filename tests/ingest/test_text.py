"""Text, prices and paths in their plain form; the everyday cases stay as they are."""

from __future__ import annotations

import pytest

from shelfwise.ingest.lists import category_path
from shelfwise.ingest.money import read_money
from shelfwise.ingest.text import plain_text, repair_mojibake


@pytest.mark.parametrize(
    ("broken", "meant"),
    [
        ("cafÃ©", "café"),
        ("CrÃ¨me brÃ»lÃ©e", "Crème brûlée"),
        ("itâ€™s", "it’s"),
        ("10â‚¬", "10€"),
        ("NiÃ±o Â½", "Niño ½"),
        ("ÃƒÂ©tÃƒÂ©", "été"),
        ("å¥½è¯„å¾ˆå¥½", "好评很好"),
        ("ÐŸÑ€Ð¸Ð²ÐµÑ‚", "Привет"),
    ],
)
def test_mojibake_is_undone(broken: str, meant: str) -> None:
    assert repair_mojibake(broken) == meant


@pytest.mark.parametrize(
    "text",
    ["café", "NÃO", "CANÇÃO", "20 °C", "½ €", "é à la «carte»", "好评", "Привет", "Ærø", "£5–£9"],
)
def test_good_text_is_left_alone(text: str) -> None:
    assert repair_mojibake(text) == text


@pytest.mark.parametrize(
    ("given", "plain"),
    [
        ("Salt &amp; Pepper", "Salt & Pepper"),
        ("&lt;b&gt;Bold&lt;/b&gt;", "Bold"),
        ("a < b and c > d", "a < b and c > d"),
        ("<style>p {color: red}</style><p>Nice</p>", "Nice"),
        ("ｆｕｌｌ　ｗｉｄｔｈ", "full width"),
        ("tab\tand\nline", "tab and line"),
        ("soft\u00adhyphen \u200bzero", "softhyphen zero"),
        ("bell\x07", "bell"),
        ("👍 ok", "👍 ok"),
    ],
)
def test_text_is_made_plain(given: str, plain: str) -> None:
    assert plain_text(given) == plain


@pytest.mark.parametrize(
    ("written", "amount", "currency"),
    [
        ("12.99", 12.99, None),
        ("12,99", 12.99, None),
        ("1,299", 1299.0, None),
        ("1,299.50", 1299.5, None),
        ("1.299,50 €", 1299.5, "EUR"),
        ("1 299,50 zł", 1299.5, "PLN"),
        ("1'299.50 CHF", 1299.5, "CHF"),
        ("$1,299", 1299.0, "USD"),
        ("US$ 5", 5.0, "USD"),
        ("₹1,09,999", 109999.0, "INR"),
        ("39.9元", 39.9, "CNY"),
        ("-4.50", -4.5, None),
        ("£3.00 - £5.00", 3.0, "GBP"),
        ("0,5", 0.5, None),
        (".99", 0.99, None),
    ],
)
def test_a_written_price_is_read(written: str, amount: float, currency: str | None) -> None:
    assert read_money(written) == (amount, currency)


@pytest.mark.parametrize(
    "text", ["call us", "free", "", "12 for the price of 10 items", "1.2.3,4,5x"]
)
def test_what_is_no_price_is_not_read(text: str) -> None:
    assert read_money(text)[0] is None


@pytest.mark.parametrize(
    ("given", "path"),
    [
        ("A > B>C", "A > B > C"),
        ("A|B", "A > B"),
        ("A / B", "A > B"),
        ("Home/Kitchen/Pots", "Home > Kitchen > Pots"),
        ("['A', 'B & C']", "A > B & C"),
        ('[["A", "B"], ["A", "B", "C"]]', "A > B > C"),
        ("Toys & Games", "Toys & Games"),
        ("A > A > B", "A > B"),
        (" > ", None),
    ],
)
def test_category_paths_take_one_form(given: str, path: str | None) -> None:
    assert category_path(given) == path
