"""Our metrics are those of `ranx`, every bit, where the definitions agree.

`ranx_values.json` holds what `ranx` said of cases that `benchmarks/evaluation_agreement.py` drew
and wrote down; the benchmark derives it anew where `ranx` is installed.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from shelfwise.core.ragged import Ragged
from shelfwise.evaluation.metrics import Scores, score_lists

FROZEN = json.loads(Path(__file__).with_name("ranx_values.json").read_text(encoding="utf-8"))
CASES = {case["name"]: case for case in FROZEN["cases"]}
SAME = ("recall", "precision", "ndcg", "mrr", "hit_rate")


def scores_of(case: dict[str, Any]) -> Scores:
    """Our scores of a frozen case."""
    gain = np.array([value for row in case["gains"] for value in row])
    top = np.array(case["top"], np.int32)
    return score_lists(top, Ragged.of(case["relevant"]), case["k"], gain)


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("metric", SAME)
def test_each_value_is_that_of_ranx_to_the_last_bit(name: str, metric: str) -> None:
    expected = np.array(CASES[name]["expected"][metric], np.float64)  # null becomes NaN
    np.testing.assert_array_equal(getattr(scores_of(CASES[name]), metric), expected)


@pytest.mark.parametrize("name", CASES)
def test_average_precision_differs_from_ranx_only_in_its_divisor(name: str) -> None:
    case = CASES[name]
    expected = np.array(case["expected"]["map"], np.float64)
    wanted = np.array([len(found) for found in case["relevant"]])
    reachable = np.minimum(wanted, case["k"])
    fits = wanted == reachable
    found = scores_of(case).map
    np.testing.assert_array_equal(found[fits], expected[fits])
    assert found[~fits] * reachable[~fits] == pytest.approx(
        expected[~fits] * wanted[~fits], rel=1e-14
    )


def test_the_cases_hold_what_is_easily_got_wrong() -> None:
    lists = [row for case in CASES.values() for row in case["top"]]
    assert any(-1 in row for row in lists)
    assert any(not found for case in CASES.values() for found in case["relevant"])
    assert any(len(found) > case["k"] for case in CASES.values() for found in case["relevant"])
    assert any(len(set(row)) > 1 for case in CASES.values() for row in case["gains"])
    hits = [scores_of(case).hit_rate for case in CASES.values()]
    assert 0.2 < np.nanmean(np.concatenate(hits)) < 1
