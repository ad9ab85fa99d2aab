"""Which models were chosen and why, as a table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from rich.markup import escape
from rich.table import Table

from shelfwise.cli.screen import out


def print_plan(plan: Mapping[str, Any]) -> None:
    """Prints a plan as a bundle's account holds it: the table, its sentence, then notices."""
    out.print(plan_table(plan))
    out.print(plan["says"])
    print_notices(plan["notices"])


def print_notices(notices: Iterable[str]) -> None:
    """Prints what whoever trains should know."""
    for notice in notices:
        out.print(notice, style="yellow", markup=False, soft_wrap=True)


def plan_table(plan: Mapping[str, Any]) -> Table:
    """Each model, what one fit was reckoned to cost, and whether and why it is trained.

    Of a choice made by hand only what was named is told.
    """
    title = "Models, chosen by the shop" if plan["automatic"] else "Models, as named"
    table = Table(title=title, title_justify="left")
    table.add_column("model")
    table.add_column("trained")
    table.add_column("a fit, s", justify="right")
    table.add_column("memory, GB", justify="right")
    table.add_column("why not" if plan["automatic"] else "why")
    for one in plan["verdicts"]:
        table.add_row(
            one["model"],
            "yes" if one["trained"] else "no",
            _figure(one["seconds"], 1),
            _figure(one["gigabytes"], 2),
            escape(one["reason"]),
            style=None if one["trained"] else "dim",
        )
    return table


def _figure(value: float | None, places: int) -> str:
    """A reckoned figure; below what the places tell, that it is small."""
    if value is None:
        return ""
    least = 10.0**-places
    return f"< {least:g}" if value < least else f"{value:,.{places}f}"
