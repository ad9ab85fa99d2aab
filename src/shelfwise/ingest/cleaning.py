"""The cleaning rules for events, products and reviews, column by column.

A row that cannot be true is set aside with the reason. In products an optional field that cannot be
read is left empty and counted as a repair: a product without a price is still a product.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from shelfwise.core.columns import EVENTS_SCHEMA, PRODUCTS_SCHEMA, REVIEWS_SCHEMA
from shelfwise.ingest.arrays import as_strings, flat, mask_of, parse_distinct
from shelfwise.ingest.availability import clean_availability
from shelfwise.ingest.draft import Cleaned, Columns, Draft, Rejections, Rules
from shelfwise.ingest.event_names import clean_event_types
from shelfwise.ingest.lists import clean_categories, clean_id_lists, first_listed, joined
from shelfwise.ingest.money import Numbers, currency_code, read_numbers
from shelfwise.ingest.text import clean_ids, clean_text
from shelfwise.ingest.times import in_range, to_millis


def clean_events(draft: Draft, rules: Rules, first_order: int) -> Cleaned:
    """The events of a draft; the first one's `order` is `first_order`."""
    given, n = draft.columns, draft.rows
    rejections = _begin(draft)
    numbers = {
        name: _numbers(given, name, rejections)
        for name in ("quantity", "price", "value", "rating", "position")
    }
    types = _event_types(given, numbers["rating"], rejections)
    user, item, session = (_ids(given, name, n) for name in ("user_id", "item_id", "session_id"))
    query = clean_text(given["query"]) if "query" in given else pa.nulls(n, pa.string())
    searches = mask_of(pc.equal(types, "search"))
    rejections.add(_absent(user) & _absent(session), "missing_shopper")
    rejections.add(_absent(item) & ~searches, "missing_item_id")
    rejections.add(_absent(item) & _absent(query) & searches, "missing_query")
    times = _times(draft, rules, rejections)
    types = _as_refunds(types, numbers, rejections)
    _check_amounts(types, numbers, draft.ratings, rejections)
    columns = {
        "user_id": user,
        "item_id": item,
        "event_type": types.fill_null(""),
        "time_ms": pa.array(times),
        "order": pa.array(np.arange(first_order, first_order + n, dtype=np.int64)),
        "value": _nullable(np.abs(numbers["value"].values)),
        "quantity": _nullable(np.abs(numbers["quantity"].values)),
        "price": _nullable(numbers["price"].values),
        "currency": _currency(given, n, numbers["price"], numbers["value"]),
        "session_id": session,
        "position": _positions(numbers["position"].values),
        "list_id": _ids(given, "list_id", n),
        "rating": _nullable(numbers["rating"].values).cast(pa.float32()),
        "country": _texts(given, "country", n),
        "query": query,
        "timed": pa.array(np.full(n, draft.timed)),
    }
    return Cleaned(pa.table(columns, schema=EVENTS_SCHEMA), rejections)


def clean_products(draft: Draft, rules: Rules) -> Cleaned:
    """The products of a draft."""
    del rules
    given, n = draft.columns, draft.rows
    rejections = _begin(draft)
    item = _ids(given, "item_id", n)
    price = _numbers(given, "price", None)
    negative = price.values < 0
    columns = {
        "item_id": item,
        "title": _texts(given, "title", n),
        "description": _paragraphs(given, "description", n),
        "brand": _texts(given, "brand", n),
        "category": _made(given, "category", n, clean_categories, pa.string()),
        "price": _nullable(np.where(negative, np.nan, price.values)),
        "currency": _currency(given, n, price),
        "image": _made(given, "image", n, first_listed, pa.string()),
        "availability": _made(given, "availability", n, clean_availability, pa.string()),
        "attributes": _made(given, "attributes", n, flat, pa.list_(pa.string())),
        "group_id": _ids(given, "group_id", n),
        "also_bought": _made(given, "also_bought", n, clean_id_lists, pa.list_(pa.string())),
        "also_viewed": _made(given, "also_viewed", n, clean_id_lists, pa.list_(pa.string())),
    }
    rejections.add(_absent(item), "missing_item_id")
    rest = [_absent(column) for name, column in columns.items() if name != "item_id"]
    rejections.add(np.logical_and.reduce(rest), "no_product_data")
    spoilt = int((price.unreadable | negative).sum())
    repairs = {"products.price unusable, left empty": spoilt} if spoilt else {}
    return Cleaned(pa.table(columns, schema=PRODUCTS_SCHEMA), rejections, repairs)


def clean_reviews(draft: Draft, rules: Rules) -> Cleaned:
    """The reviews of a draft."""
    given, n = draft.columns, draft.rows
    rejections = _begin(draft)
    item = _ids(given, "item_id", n)
    text = _paragraphs(given, "text", n)
    rating = _numbers(given, "rating", rejections)
    rejections.add(_absent(item), "missing_item_id")
    rejections.add(_absent(text), "missing_text")
    _check_rating(rating.values, draft.ratings, rejections)
    columns = {
        "item_id": item,
        "user_id": _ids(given, "user_id", n),
        "rating": _nullable(rating.values).cast(pa.float32()),
        "time_ms": _review_times(draft, rules, rejections),
        "title": _texts(given, "title", n),
        "text": text.fill_null(""),
        "helpful": _helpful(given, n),
    }
    return Cleaned(pa.table(columns, schema=REVIEWS_SCHEMA), rejections)


def _begin(draft: Draft) -> Rejections:
    rejections = Rejections(draft.rows)
    for where, reason in draft.rejected:
        rejections.add(where, reason)
    return rejections


def _absent(column: pa.Array) -> NDArray[np.bool_]:
    return np.asarray(column.is_null().to_numpy(zero_copy_only=False))


def _nullable(numbers: NDArray[np.float64]) -> pa.Array:
    return pa.array(numbers, pa.float64(), mask=np.isnan(numbers))


def _made(
    given: Columns, name: str, n: int, make: Callable[..., pa.Array], kind: pa.DataType
) -> pa.Array:
    return make(given[name]) if name in given else pa.nulls(n, kind)


def _ids(given: Columns, name: str, n: int) -> pa.Array:
    return _made(given, name, n, clean_ids, pa.string())


def _texts(given: Columns, name: str, n: int) -> pa.Array:
    return _made(given, name, n, clean_text, pa.string())


def _paragraphs(given: Columns, name: str, n: int) -> pa.Array:
    if name not in given:
        return pa.nulls(n, pa.string())
    values = as_strings(given[name])
    listed = mask_of(pc.starts_with(values, "["))
    return clean_text(joined(values) if listed.any() else values)


def _numbers(given: Columns, name: str, rejections: Rejections | None) -> Numbers:
    """The numbers of one column; what cannot be read is set aside, if `rejections` is given."""
    if name not in given:
        n = rejections.rows if rejections is not None else len(given["item_id"])
        return Numbers(np.full(n, np.nan), np.zeros(n, np.bool_), None)
    numbers = read_numbers(given[name])
    if rejections is not None:
        rejections.add(numbers.unreadable, f"bad_{name}")
    return numbers


def _event_types(given: Columns, rating: Numbers, rejections: Rejections) -> pa.Array:
    """The event types; where the source says nothing, `rate` with a rating, else `purchase`."""
    rated = pa.array(~np.isnan(rating.values))
    default = pc.if_else(rated, pa.scalar("rate"), pa.scalar("purchase"))
    if "event_type" not in given:
        return default
    names = as_strings(given["event_type"])
    types = clean_event_types(names)
    rejections.add(_absent(types) & ~_absent(names), "unknown_event_type")
    return pc.if_else(names.is_null(), default, types)


def _times(draft: Draft, rules: Rules, rejections: Rejections) -> NDArray[np.int64]:
    column = draft.columns["timestamp"]
    if not draft.timed:
        return np.asarray(flat(column).to_numpy(zero_copy_only=False), np.int64)
    times, known = to_millis(column, day_first=rules.day_first)
    rejections.add(_absent(flat(column)), "missing_time")
    _check_times(times, known, rules, rejections)
    return times


def _check_times(
    times: NDArray[np.int64], known: NDArray[np.bool_], rules: Rules, rejections: Rejections
) -> None:
    early, late = in_range(times, rules.now_ms)
    rejections.add(~known, "bad_time")
    rejections.add(known & early, "time_before_1995")
    rejections.add(known & late, "time_in_future")


def _review_times(draft: Draft, rules: Rules, rejections: Rejections) -> pa.Array:
    if "timestamp" not in draft.columns:
        return pa.nulls(draft.rows, pa.int64())
    column = flat(draft.columns["timestamp"])
    times, known = to_millis(column, day_first=rules.day_first)
    absent = _absent(column)
    _check_times(np.where(absent, rules.now_ms, times), known | absent, rules, rejections)
    return pa.array(times, mask=~known)


def _as_refunds(types: pa.Array, numbers: dict[str, Numbers], rejections: Rejections) -> pa.Array:
    """Purchases of a negative quantity are refunds."""
    negative = numbers["quantity"].values < 0
    returned = negative & mask_of(pc.equal(types, "purchase"))
    refund = returned | mask_of(pc.equal(types, "refund"))
    rejections.add(negative & ~refund, "negative_quantity")
    if not returned.any():
        return types
    return pc.if_else(pa.array(returned), pa.scalar("refund"), types)


def _check_amounts(
    types: pa.Array,
    numbers: dict[str, Numbers],
    ratings: tuple[float, float],
    rejections: Rejections,
) -> None:
    refunds = mask_of(pc.equal(types, "refund"))
    rejections.add(numbers["quantity"].values == 0, "zero_quantity")
    rejections.add(numbers["price"].values < 0, "negative_price")
    rejections.add((numbers["value"].values < 0) & ~refunds, "negative_value")
    rejections.add(numbers["position"].values < 0, "negative_position")
    rating = numbers["rating"].values
    _check_rating(rating, ratings, rejections)
    rejections.add(mask_of(pc.equal(types, "rate")) & np.isnan(rating), "missing_rating")


def _check_rating(
    rating: NDArray[np.float64], ratings: tuple[float, float], rejections: Rejections
) -> None:
    low, high = ratings
    rejections.add((rating < low) | (rating > high), "rating_out_of_range")


def _positions(numbers: NDArray[np.float64]) -> pa.Array:
    """Places from 1; a 0 says nothing certain (some count from 0) and is left empty."""
    usable = (numbers >= 1) & (numbers < 2**31)
    return pa.array(np.where(usable, numbers, 0).astype(np.int32), mask=~usable)


def _currency(given: Columns, n: int, *prices: Numbers) -> pa.Array:
    """The currency column, completed by what the prices themselves name."""
    out = pa.nulls(n, pa.string())
    if "currency" in given:
        named = as_strings(given["currency"])
        out = pa.array(parse_distinct(named, currency_code), pa.string())
    for price in prices:
        if price.currency is not None:
            out = pc.coalesce(out, price.currency)
    return out


def _helpful(given: Columns, n: int) -> pa.Array:
    """Votes; of `[helpful, all]` the first."""
    if "helpful" not in given:
        return pa.nulls(n, pa.int32())
    votes = given["helpful"]
    kind = votes.type
    numbers = read_numbers(first_listed(votes) if pa.types.is_string(kind) else votes).values
    usable = (numbers >= 0) & (numbers < 2**31)
    return pa.array(np.where(usable, numbers, 0).astype(np.int32), mask=~usable)
