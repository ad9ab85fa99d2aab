"""What pages repeat of the code is made from the code."""

from __future__ import annotations

import importlib.util
from types import ModuleType

import pytest
from tests.docs.conftest import DOCS


@pytest.fixture(scope="module")
def generate() -> ModuleType:
    """docs/generate.py as a module."""
    spec = importlib.util.spec_from_file_location("generate", DOCS / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_generated_parts_are_up_to_date(
    generate: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    status = generate.main(["--check"])
    assert status == 0, capsys.readouterr().out


def test_every_generated_part_stands_on_a_page(generate: ModuleType) -> None:
    pages = "".join(page.read_text(encoding="utf-8") for page in DOCS.rglob("*.md"))
    missing = [name for name in generate.BLOCKS if f"<!-- end: {name} -->" not in pages]
    assert missing == []


def test_every_setting_says_what_it_means(generate: ModuleType) -> None:
    lines = [line for line in generate.settings().splitlines() if line.startswith("| `")]
    assert lines
    assert [line for line in lines if line.endswith("|  |")] == []
