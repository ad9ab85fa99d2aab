"""docs/cli.md tells of every command and option, and each option has its own help."""

from __future__ import annotations

from typing import Any

import pytest
import typer.main
from tests.docs.conftest import text_of

from shelfwise.cli import app

GROUP: Any = typer.main.get_command(app)


@pytest.mark.parametrize("name", sorted(GROUP.commands))
def test_every_command_has_a_section_with_all_its_options(name: str) -> None:
    page = text_of("docs/cli.md")
    section = page.partition(f"\n### `shelfwise {name}`\n")[2].partition("\n### ")[0]
    assert section
    for parameter in GROUP.commands[name].params:
        words = [*parameter.opts, *parameter.secondary_opts]
        if parameter.param_type_name == "option":
            assert [word for word in words if f"`{word}`" not in section] == []


@pytest.mark.parametrize("name", sorted(GROUP.commands))
def test_every_command_and_option_has_help(name: str) -> None:
    command = GROUP.commands[name]
    assert command.help
    assert [one.name for one in command.params if not one.help] == []
