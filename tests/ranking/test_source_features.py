"""What the sources say, as columns."""

from __future__ import annotations

import numpy as np
import pytest

from shelfwise.core.candidates import Candidates
from shelfwise.core.model import NOT_SCORED
from shelfwise.ranking import source_columns, source_features
from shelfwise.ranking.source_features import without_source


def two_requests() -> Candidates:
    """Request 0 has three items, request 1 has two."""
    return Candidates(
        ("knn", "ease"),
        np.array([0, 0, 0, 1, 1], np.int32),
        np.array([7, 8, 9, 7, 8], np.int32),
        np.array([[4, -1], [2, np.nan], [np.nan, -3], [5, NOT_SCORED], [5, 1]], np.float32),
        np.array([[1, 1], [2, 0], [0, 2], [1, 0], [2, 1]], np.int32),
        2,
    )


def column(name: str) -> list[float]:
    names, matrix = source_features(two_requests())
    return [round(float(v), 4) for v in matrix[:, names.index(name)]]


def test_scores_are_set_against_the_same_request_only() -> None:
    """Mean 3 and deviation 1 in request 0; equal scores in request 1 say nothing."""
    assert column("knn.z")[:2] == [1.0, -1.0]
    assert column("knn.z")[3:] == [0.0, 0.0]
    assert column("knn.ratio") == [1.0, 0.5, 0.0, 1.0, 1.0]


def test_no_opinion_is_nan_or_zero() -> None:
    assert np.isnan(column("knn.z")[2])
    assert np.isnan(column("ease.z")[3])
    assert column("knn.scored") == [1.0, 1.0, 0.0, 1.0, 1.0]
    assert column("ease.scored") == [1.0, 0.0, 1.0, 0.0, 1.0]
    names, matrix = source_features(two_requests())
    always = [
        i for i, name in enumerate(names) if name.split(".")[1] not in {"z", "log_ratio", "score"}
    ]
    assert np.isfinite(matrix[:, always]).all()


def test_the_shape_of_scores_is_told_by_logarithm_and_as_they_are() -> None:
    assert column("knn.log_ratio")[:2] == [0.0, round(float(np.log(0.5)), 4)]
    assert column("knn.score")[:2] == [4.0, 2.0]
    assert column("ease.score")[:1] == [-1.0]


def test_a_ratio_too_small_to_matter_has_a_finite_logarithm() -> None:
    tiny = Candidates(
        ("a",),
        np.zeros(2, np.int32),
        np.arange(2, dtype=np.int32),
        np.array([[1.0], [0.0]], np.float32),
        np.array([[1], [2]], np.int32),
        1,
    )
    names, matrix = source_features(tiny)
    assert matrix[1, names.index("a.log_ratio")] == pytest.approx(np.log(1e-3))


def test_negative_scores_have_no_ratio() -> None:
    assert column("ease.ratio")[:3] == [0.0, 0.0, 0.0]
    assert column("ease.log_ratio")[0] == column("ease.log_ratio")[2] == 0.0


def test_ranks_are_summed_up_over_the_sources() -> None:
    assert column("knn.reciprocal_rank") == [1.0, 0.5, 0.0, 1.0, 0.5]
    assert column("sources.proposing") == [2.0, 1.0, 1.0, 1.0, 2.0]
    assert column("sources.best_reciprocal_rank") == [1.0, 0.5, 0.5, 1.0, 1.0]
    assert column("sources.rrf")[0] == pytest.approx(2 / 61, abs=1e-4)


def test_a_request_gives_the_same_alone_as_in_a_batch() -> None:
    whole = two_requests()
    alone = Candidates(
        whole.sources,
        np.zeros(2, np.int32),
        whole.item[3:],
        whole.score[3:],
        whole.rank[3:],
        1,
    )
    np.testing.assert_array_equal(source_features(alone)[1], source_features(whole)[1][3:])


def test_no_candidates_give_no_rows() -> None:
    empty = two_requests().take(np.zeros(5, np.bool_))
    names, matrix = source_features(empty)
    assert matrix.shape == (0, len(names))


def test_each_source_owns_the_columns_that_bear_its_name() -> None:
    names = ("knn.z", "price", "ease.z", "knn.scored")
    assert source_columns(names, ("knn", "ease")) == {"knn": (0, 3), "ease": (2,)}


def test_taking_a_source_out_is_as_if_it_had_never_answered() -> None:
    candidates = two_requests()
    names, matrix = source_features(candidates)
    score = candidates.score.copy()
    rank = candidates.rank.copy()
    score[:, 0], rank[:, 0] = np.nan, 0
    silent = Candidates(candidates.sources, candidates.request, candidates.item, score, rank, 2)
    expected = source_features(silent)[1]
    got = without_source(matrix, names, "knn", candidates.sources)
    np.testing.assert_allclose(got, expected, rtol=1e-6)
