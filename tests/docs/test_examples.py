"""The examples of the README and the quickstart run as they are written, on a tiny shop."""

from __future__ import annotations

import os
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.docs.conftest import blocks, text_of
from typer.testing import CliRunner

from shelfwise.cli import app

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def trained(export: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the export, and the shop `my-shop` made by the README's four commands."""
    folder = tmp_path_factory.mktemp("reader") / "desk"
    shutil.copytree(export, folder)
    here = Path.cwd()
    os.chdir(folder)
    try:
        for line in commands("README.md")[:4]:
            run(line)
    finally:
        os.chdir(here)
    return folder


@pytest.fixture
def desk(trained: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The reader's folder, as the current one."""
    monkeypatch.chdir(trained)
    return trained


def commands(page: str) -> list[str]:
    """The page's `shelfwise` commands that end by themselves, in order."""
    lines = [line for block in blocks(page, "sh") for line in block.splitlines()]
    found = [line.partition("  #")[0].strip() for line in lines if line.startswith("shelfwise ")]
    return [line for line in found if not line.startswith("shelfwise serve")]


def run(line: str) -> str:
    """What the command prints; it must succeed."""
    result = CliRunner().invoke(app, shlex.split(line)[1:], catch_exceptions=False)
    assert result.exit_code == 0, f"{line}\n{result.output}"
    return result.output


def test_the_readmes_commands_lead_to_recommendations(desk: Path) -> None:
    assert (desk / "my-shop" / "models" / "CURRENT").is_file()
    assert commands("README.md")[3].startswith("shelfwise recommend")


def test_the_quickstarts_commands_work(desk: Path) -> None:
    shop_made_already = 3
    for line in commands("docs/quickstart.md")[shop_made_already:]:
        assert run(line).strip(), line


def python_blocks() -> Iterator[tuple[str, str]]:
    """Every page's Python examples."""
    for page in ("README.md", "docs/quickstart.md"):
        yield from ((page, block) for block in blocks(page, "python"))


@pytest.mark.parametrize(("page", "block"), list(python_blocks()))
def test_python_examples_work(
    page: str, block: str, desk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    exec(compile(block, page, "exec"), {"__name__": "example"})  # noqa: S102 - our own page
    assert capsys.readouterr().out.strip()


def test_ids_in_the_examples_are_in_the_tiny_shop(export: Path) -> None:
    events = (export / "events.csv").read_text(encoding="utf-8")
    assert "u42," in events
    assert "p17," in events
    assert "u42" in text_of("docs/quickstart.md")
