"""Popularity: segments, exposure, bias and lift, on catalogues small enough to count."""

from __future__ import annotations

import math

import numpy as np
import pytest

from shelfwise.core.ragged import Ragged
from shelfwise.evaluation.popularity import (
    ITEM_SEGMENTS,
    average_popularity,
    exposure,
    item_segments,
    novelty,
    popularity_bias,
    popularity_lift,
)


def test_novelty_is_the_surprise_of_the_items_shown() -> None:
    popularity = np.array([6, 0, 0, 0, 0, 0])  # with one added: 7 and 1 of 12
    top = np.array([[1, -1], [2, -1]], np.int32)
    assert novelty(top, popularity) == pytest.approx(math.log2(12))
    assert novelty(np.array([[0]], np.int32), popularity) == pytest.approx(math.log2(12 / 7))


def test_popularity_bias_is_a_half_where_the_whole_catalogue_is_shown_alike() -> None:
    popularity = np.array([5, 5, 1, 9, 0])
    everything = np.arange(5, dtype=np.int32)[None, :]
    assert popularity_bias(everything, popularity) == pytest.approx(0.5)
    assert popularity_bias(np.array([[3]], np.int32), popularity) == pytest.approx(0.9)
    assert popularity_bias(np.array([[0]], np.int32), popularity) == pytest.approx(0.6)


def test_where_nothing_is_shown_there_is_no_figure() -> None:
    nothing, counts = np.full((2, 3), -1, np.int32), np.ones(3, np.int64)
    assert math.isnan(novelty(nothing, counts))
    assert math.isnan(popularity_bias(nothing, counts))
    assert math.isnan(average_popularity(nothing, counts))
    assert math.isnan(popularity_lift(nothing, Ragged.of([[1], [2]]), counts))
    assert all(math.isnan(share) for share in exposure(nothing, np.zeros(3, np.int8)).values())


def test_the_head_holds_the_first_fifth_of_the_events_and_the_tail_the_last() -> None:
    popularity = np.array([25, 15, 15, 15, 15, 6, 5, 4, 0])
    named = [ITEM_SEGMENTS[code] for code in item_segments(popularity)]
    assert named == ["head", "torso", "torso", "torso", "torso", "tail", "tail", "tail", "cold"]


def test_items_of_equal_popularity_share_a_segment_in_any_order() -> None:
    rng = np.random.default_rng(0)
    popularity = rng.integers(0, 6, 200)
    segment = item_segments(popularity)
    assert all(len(np.unique(segment[popularity == count])) == 1 for count in range(6))
    order = rng.permutation(200)
    assert item_segments(popularity[order]).tolist() == segment[order].tolist()


def test_exposure_counts_places() -> None:
    segment = np.array([0, 1, 2, 3], np.int8)
    top = np.array([[0, 1], [0, -1], [3, 0]], np.int32)
    assert exposure(top, segment) == {"head": 0.6, "torso": 0.2, "tail": 0.0, "cold": 0.2}


def test_lift_compares_lists_with_what_the_same_shoppers_chose() -> None:
    popularity = np.array([10, 4, 2, 0])
    top = np.array([[0, 2], [1, -1], [0, 0]], np.int32)
    history = Ragged.of([[2, 1], [2], []])  # means 3 and 2; the third shopper has none
    assert average_popularity(top, popularity) == pytest.approx((6 + 4 + 10) / 3)
    assert popularity_lift(top, history, popularity) == pytest.approx((6 + 4) / (3 + 2) - 1)
