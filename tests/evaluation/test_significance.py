"""Significance: the paired t-test against SciPy's, and Holm's correction by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from shelfwise.evaluation.significance import compare_all, holm, paired_t


def test_the_paired_test_agrees_with_scipy() -> None:
    rng = np.random.default_rng(0)
    for n in (2, 5, 300):
        one, other = rng.random(n), rng.random(n)
        difference, p_value = paired_t(one, other)
        assert difference == pytest.approx(float((one - other).mean()))
        assert p_value == pytest.approx(float(stats.ttest_rel(one, other).pvalue), rel=1e-12)


def test_models_that_never_differ_are_not_told_apart() -> None:
    values = np.array([0.0, 1.0, 0.5])
    assert paired_t(values, values) == (0.0, 1.0)
    assert paired_t(values + 1, values) == (1.0, 0.0)
    assert math.isnan(paired_t(values[:1], values[:1])[1])


def test_holm_multiplies_the_smallest_by_the_number_of_tests_and_never_falls() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.6, 0.5]) == [1.0, 1.0]
    assert holm([]) == []
    assert math.isnan(holm([0.01, math.nan])[1])


def test_every_pair_is_compared_with_the_better_model_first() -> None:
    rng = np.random.default_rng(1)
    base = rng.random(400)
    pairs = compare_all({"low": base, "same": base + rng.normal(0, 0.01, 400), "high": base + 0.1})
    assert {(one.first, one.second) for one in pairs} >= {("high", "low"), ("high", "same")}
    assert len(pairs) == 3
    found = {frozenset((one.first, one.second)): one.significant for one in pairs}
    assert found[frozenset(("high", "low"))]
    assert not found[frozenset(("low", "same"))]


def test_the_correction_keeps_chance_from_finding_a_winner() -> None:
    found = 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        models = {str(name): rng.random(80) for name in range(6)}
        found += any(one.significant for one in compare_all(models))
    assert found <= 8  # 3 expected; uncorrected some 20
