"""docs/features.md tells what every feature is."""

from __future__ import annotations

import re
from itertools import product

from tests.docs.conftest import first_cells

from shelfwise.features.vectors import ALL_FEATURES, GROUPS, WINDOWS


def documented() -> set[str]:
    """The names on the page, `<group>` and its like filled in; numbers as `#`."""
    names = set()
    for name in first_cells("docs/features.md"):
        for group, window in product(GROUPS, WINDOWS):
            filled = name.replace("<group>", group).replace("<window>", window)
            names.add(re.sub(r"<\w+>", "#", filled))
    return names


def numbered(name: str) -> str:
    """The name with a number at its end written as `#`."""
    return re.sub(r"_\d+$", "_#", name)


def test_every_feature_is_documented() -> None:
    assert {numbered(name) for name in ALL_FEATURES} - documented() == set()


def test_no_documented_feature_is_missing_from_the_code() -> None:
    assert documented() - {numbered(name) for name in ALL_FEATURES} == set()
