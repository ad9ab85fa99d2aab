"""The README says the same in English and in Chinese, and names only what is there."""

from __future__ import annotations

import re

import pytest
from tests.docs.conftest import PAGES, ROOT, text_of

TARGETS = set(re.findall(r"^([a-z][a-z-]*):", text_of("Makefile"), re.MULTILINE))
READMES = ("README.md", "README.zh.md")


def code(page: str) -> list[str]:
    """The page's code blocks without their comments, which are translated."""
    found = re.findall(r"^```\w*\n(.*?)^```$", text_of(page), re.DOTALL | re.MULTILINE)
    return [re.sub(r"\s*#.*$", "", block, flags=re.MULTILINE).strip() for block in found]


def test_every_make_target_that_a_page_names_exists() -> None:
    pages = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)
    named = set(re.findall(r"(?:`|^|&& )make ([a-z][a-z-]*)", pages, re.MULTILINE))
    assert {"demo", "test"} <= named
    assert named - TARGETS == set()


def test_both_languages_show_the_same_code() -> None:
    assert code("README.md") == code("README.zh.md")


def test_both_languages_have_the_same_sections() -> None:
    english, chinese = (re.findall(r"^(#+) ", text_of(page), re.MULTILINE) for page in READMES)
    assert english == chinese


@pytest.mark.parametrize("page", READMES)
def test_the_readme_opens_with_a_picture_and_a_link_to_the_other_language(page: str) -> None:
    opening = text_of(page).partition("\n## ")[0]
    other = next(name for name in READMES if name != page)
    assert f"]({other})" in opening
    pictures = re.findall(r"docs/images/[\w.-]+", opening)
    assert pictures
    assert all((ROOT / picture).stat().st_size < 200_000 for picture in pictures)
