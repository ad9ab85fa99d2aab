"""The project's pages, read as what they claim, and a tiny shop for their examples."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import pytest

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md")])
"""Every page of the project."""


def text_of(name: str) -> str:
    """The page called `name`, relative to the project's root."""
    return (ROOT / name).read_text(encoding="utf-8")


def blocks(page: str, language: str) -> list[str]:
    """The code blocks of one language, in order."""
    return re.findall(rf"^```{language}\n(.*?)^```$", text_of(page), re.DOTALL | re.MULTILINE)


def first_cells(page: str) -> set[str]:
    """Everything in backquotes in the first column of the page's tables."""
    cells = re.findall(r"^\| ([^|]*) \|", text_of(page), re.MULTILINE)
    return {name for cell in cells for name in re.findall(r"`([^`]+)`", cell)}


@pytest.fixture(scope="session")
def export(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what the quickstart's reader has: events, products, reviews, some ids."""
    folder = tmp_path_factory.mktemp("export")
    random = Random(7)
    kinds = ("Tea", "Cups", "Lamps")
    _write(
        folder / "products.csv",
        ("item_id", "title", "brand", "category", "price"),
        (
            (f"p{n}", f"{kinds[n % 3]} number {n}", f"brand {n % 5}", f"Home > {kinds[n % 3]}", n)
            for n in range(1, 31)
        ),
    )
    _write(
        folder / "events.csv",
        ("user_id", "item_id", "event_type", "timestamp"),
        (row for user in range(1, 121) for row in _visits(user, random)),
    )
    _write(
        folder / "reviews.csv",
        ("user_id", "item_id", "rating", "text"),
        ((f"u{n}", f"p{n % 30 + 1}", 4 + n % 2, "A lovely colour, sturdy.") for n in range(1, 61)),
    )
    (folder / "users.txt").write_text("u1\nu42\nu99\n", encoding="utf-8")
    return folder


def _visits(user: int, random: Random) -> Iterable[tuple[str, str, str, str]]:
    """What one shopper did: mostly walks along the products of one kind, and buys some."""
    at = random.randrange(10)
    when = datetime(2026, 3, 1, tzinfo=UTC) + timedelta(hours=random.randrange(600))
    for _ in range(random.randrange(3, 9)):
        item = f"p{3 * (at % 10) + user % 3 + 1}"
        yield f"u{user}", item, "view", when.isoformat()
        if random.random() < 0.6:
            yield f"u{user}", item, "purchase", (when + timedelta(minutes=9)).isoformat()
        at += random.randrange(1, 3)
        when += timedelta(hours=random.randrange(5, 90))


def _write(path: Path, head: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(head)
        writer.writerows(rows)
