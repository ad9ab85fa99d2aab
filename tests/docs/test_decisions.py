"""Decisions are listed, and every dependency is one of them."""

from __future__ import annotations

import re
import tomllib
from typing import Any

from tests.docs.conftest import DOCS, ROOT, first_cells, text_of

RECORDS = sorted(path.name for path in (DOCS / "decisions").glob("[0-9]*.md"))
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))[
    "project"
]


def name_of(requirement: str) -> str:
    """The library that a requirement names."""
    return re.split(r"[^\w.-]", requirement, maxsplit=1)[0]


def test_every_record_is_in_the_index_with_its_status() -> None:
    index = text_of("docs/decisions/README.md")
    for record in RECORDS:
        row = re.search(rf"\| \[\d+\]\({re.escape(record)}\) \|.*\|(.*)\|$", index, re.MULTILINE)
        assert row is not None, record
        status = re.search(r"^Status: (\w+)", text_of(f"docs/decisions/{record}"), re.MULTILINE)
        assert status is not None, record
        assert status[1] in row[1], record


def test_records_are_numbered_without_a_gap() -> None:
    assert [int(record[:4]) for record in RECORDS] == list(range(1, len(RECORDS) + 1))


def test_every_runtime_dependency_says_why_it_is_there() -> None:
    needed = {name_of(one) for one in PROJECT["dependencies"]}
    assert first_cells("docs/decisions/0001-dependencies.md") >= needed


def test_no_row_tells_of_a_dependency_that_is_gone() -> None:
    needed = {name_of(one) for one in PROJECT["dependencies"]}
    assert first_cells("docs/decisions/0001-dependencies.md") - needed == set()


def test_every_extra_dependency_is_mentioned() -> None:
    record = text_of("docs/decisions/0001-dependencies.md")
    extras = {name_of(one) for group in PROJECT["optional-dependencies"].values() for one in group}
    assert [name for name in sorted(extras) if f"`{name}`" not in record] == []


def test_every_dependency_is_bounded_on_both_sides() -> None:
    groups = PROJECT["optional-dependencies"].values()
    for requirement in [*PROJECT["dependencies"], *(one for group in groups for one in group)]:
        assert ">=" in requirement, requirement
        assert "<" in requirement, requirement
