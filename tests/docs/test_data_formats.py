"""docs/data-formats.md tells of every format and of every reason for setting a row aside."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import pytest
from tests.docs.conftest import ROOT, first_cells, text_of

from shelfwise.ingest import FORMATS
from shelfwise.ingest.aliases import ALIASES
from shelfwise.ingest.online_retail import CONNECTOR

PAGE = "docs/data-formats.md"
MEASURES = ("quantity", "price", "value", "rating", "position")
"""What may be given as something else than a number: `bad_<measure>`."""


def reasons_in_code() -> set[str]:
    """Every reason that the code of the ingest room can give."""
    found = set()
    for path in (ROOT / "src/shelfwise/ingest").glob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            found |= set(_reasons(node))
    return found


def _reasons(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Call):
        called = node.func.attr if isinstance(node.func, ast.Attribute) else _name(node.func)
        if called == "add" and len(node.args) == 2:
            yield from _words(node.args[1])
        if called == "Malformed":
            for given in [*node.args[1:2], *(k.value for k in node.keywords if k.arg == "reason")]:
                yield from _words(given)
    if isinstance(node, ast.FunctionDef) and node.name == "_what_is_wrong":
        yield from _words(node)
    if isinstance(node, ast.Assign) and _name(node.targets[0]) == "rejected":
        yield from _words(node.value)


def _name(node: ast.AST) -> str:
    return node.id if isinstance(node, ast.Name) else ""


def _words(node: ast.AST) -> Iterator[str]:
    for part in ast.walk(node):
        if isinstance(part, ast.JoinedStr):
            yield from (f"bad_{measure}" for measure in MEASURES)
        if isinstance(part, ast.Constant) and re.fullmatch(r"[a-z]+(_[a-z0-9]+)+", str(part.value)):
            yield str(part.value)


def test_reasons_are_found_where_they_are_given() -> None:
    assert {"missing_shopper", "bad_price", "not_a_product", "invalid_json"} <= reasons_in_code()


def test_every_reason_is_explained() -> None:
    assert reasons_in_code() - first_cells(PAGE) == set()


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_has_a_section(name: str) -> None:
    assert f"\n### `{name}`\n" in text_of(PAGE)


def test_no_section_tells_of_a_format_that_is_not_there() -> None:
    assert set(re.findall(r"^### `([\w-]+)`$", text_of(PAGE), re.MULTILINE)) == set(FORMATS)


def test_every_column_is_documented() -> None:
    columns = {column for kind in ALIASES.values() for column in kind}
    assert columns - first_cells(PAGE) == set()


def test_a_connector_says_what_it_reads() -> None:
    assert f"| `{CONNECTOR.name}` | {CONNECTOR.about} |" in text_of(PAGE)
