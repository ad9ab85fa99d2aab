"""Draws the README's pictures from a demo shop: `python docs/pictures.py demo-shop`.

The report is photographed by Chromium, which must be installed; the table is drawn by Rich.
"""  # noqa: INP001 - a script, not a package

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from io import StringIO
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.terminal_theme import TerminalTheme

from shelfwise import Shop
from shelfwise.cli.recommend import slate_table

IMAGES: Final = Path(__file__).parent / "images"
_PAPER: Final = TerminalTheme(
    (251, 250, 247),
    (29, 33, 38),
    [(29, 33, 38), (178, 34, 34), (31, 122, 77), (217, 115, 13), (52, 101, 164)] * 2,
)


def draw_recommendations(shop: Shop) -> None:
    """Writes what one shopper of the shop should see, as the terminal shows it."""
    shopper = shop.live().some_shopper()
    console = Console(record=True, width=118, file=StringIO())
    console.print(
        f"$ shelfwise recommend {shop.root.name} --user {shopper} -n 5\n",
        markup=False,
        highlight=False,
    )
    console.print(slate_table(shop, shop.recommend(user_id=shopper, n=5)))
    drawn = console.export_svg(title="shelfwise", theme=_PAPER)
    svg = re.sub(r"@font-face \{.*?\}\s*", "", drawn, flags=re.DOTALL)  # they come from a CDN
    (IMAGES / "recommendations.svg").write_text(svg, encoding="utf-8")


def photograph(page: Path, picture: Path, *, width: int, height: int) -> None:
    """Writes the top of the page as a PNG."""
    with tempfile.TemporaryDirectory() as profile:
        options = [
            "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--hide-scrollbars",
            "--disable-background-networking", "--disable-component-update", "--disable-sync",
            f"--user-data-dir={profile}", f"--window-size={width},{height}",
            f"--screenshot={picture}",
        ]  # fmt: skip
        command = ["chromium", *options, page.resolve().as_uri()]
        subprocess.run(command, check=True, capture_output=True, timeout=120)  # noqa: S603 - our own words


def main(folder: str) -> None:
    """Draws both pictures of the demo shop in `folder`, which must be trained and evaluated."""
    shop = Shop.open(folder)
    draw_recommendations(shop)
    report = shop.root / "reports" / "evaluation-temporal.html"
    photograph(report, IMAGES / "report.png", width=900, height=860)


if __name__ == "__main__":
    main(sys.argv[1])
