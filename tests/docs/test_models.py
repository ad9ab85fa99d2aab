"""docs/models.md has a row for every model and every way of fusing them."""

from __future__ import annotations

from typing import get_args

from tests.docs.conftest import first_cells, text_of

from shelfwise.ranking.fused import Kind
from shelfwise.retrieval import MODEL_NAMES


def test_every_model_has_a_row() -> None:
    assert set(MODEL_NAMES) - first_cells("docs/models.md") == set()


def test_every_way_of_fusing_has_a_row() -> None:
    assert set(get_args(Kind)) - first_cells("docs/models.md") == set()


def test_no_row_tells_of_a_model_that_is_not_there() -> None:
    assert first_cells("docs/models.md") - set(MODEL_NAMES) - set(get_args(Kind)) == set()


def test_every_model_can_be_set() -> None:
    settings = text_of("docs/settings.md")
    assert [name for name in MODEL_NAMES if f"\n## `models.{name}`\n" not in settings] == []
