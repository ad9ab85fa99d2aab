"""`shelfwise models`: the versions of a shop's models."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from shelfwise.app import Shop
from shelfwise.cli.chosen import print_plan
from shelfwise.cli.options import AsJson, ShopPath
from shelfwise.cli.screen import out, print_json
from shelfwise.core.errors import BadInputError
from shelfwise.pipeline.paired import Paired
from shelfwise.pipeline.versions import (
    Comparison,
    Version,
    list_versions,
    pin_version,
    roll_back,
)
from shelfwise.store.bundles import prune, unpin


def models(
    shop: ShopPath,
    compared: Annotated[
        tuple[str, str] | None,
        typer.Option(
            "--compare",
            metavar="A B",
            help="Two versions side by side, asked the same where they can.",
        ),
    ] = None,
    plan: Annotated[
        str | None,
        typer.Option(metavar="VERSION", help="Why this version has the models that it has."),
    ] = None,
    pin: Annotated[
        str | None, typer.Option(help="Make this version current, and keep it so after trainings.")
    ] = None,
    undo_pin: Annotated[
        bool, typer.Option("--unpin", help="Let the next training be promoted again.")
    ] = False,
    rollback: Annotated[
        bool, typer.Option("--rollback", help="Answer with the version before this one again.")
    ] = False,
    rollback_to: Annotated[str | None, typer.Option(help="Answer with this version again.")] = None,
    keep: Annotated[
        int | None,
        typer.Option("--prune", min=1, help="Delete all but the newest so many versions."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List the versions of the models; compare, pin, roll back or prune them.

    A running server changes over within seconds. The current and the pinned version are never
    deleted.
    """
    opened = Shop.open(shop)
    root = opened.root / "models"
    if compared is not None:
        _show_comparison(opened.compare(*compared), as_json=as_json)
        return
    if plan is not None:
        _show_plan(opened, plan, as_json=as_json)
        return
    _change(root, pin=pin, undo_pin=undo_pin, rollback=rollback, rollback_to=rollback_to)
    if keep is not None:
        prune(root, keep)
    listed = list_versions(root)
    if as_json:
        print_json([asdict(one) for one in listed])
    else:
        out.print(_listing(listed))


def _show_plan(shop: Shop, version: str, *, as_json: bool) -> None:
    plan = shop.about(version).get("plan")
    if plan is None:
        raise BadInputError(
            f"Version {version} was trained before models were chosen by the shop's shape.",
            remedy=f"Run: shelfwise train {shop.root}",
        )
    if as_json:
        print_json(plan)
    else:
        print_plan(plan)


def _change(
    root: Path, *, pin: str | None, undo_pin: bool, rollback: bool, rollback_to: str | None
) -> None:
    if sum([pin is not None, undo_pin, rollback, rollback_to is not None]) > 1:
        raise typer.BadParameter("give one of --pin, --unpin, --rollback, --rollback-to")
    if pin is not None:
        pin_version(root, pin)
    elif undo_pin:
        unpin(root)
    elif rollback or rollback_to is not None:
        roll_back(root, rollback_to)


def _listing(listed: list[Version]) -> Table:
    table = Table(title="Model versions, newest first", title_justify="left")
    table.add_column("version", no_wrap=True)
    table.add_column("state")
    for heading in ("held-out NDCG", "requests", "against its parent", "events", "fit, s", "MB"):
        table.add_column(heading, justify="right")
    for one in listed:
        states = {"current": one.current, "pinned": one.pinned, "damaged": bool(one.trouble)}
        table.add_row(
            one.version,
            ", ".join(name for name, holds in states.items() if holds),
            "" if one.ndcg is None else f"{one.ndcg:.4f}",
            f"{one.requests:,}",
            _gap(one.against),
            f"{one.events:,}",
            f"{one.fit_seconds:.1f}",
            f"{one.size / 1e6:.1f}",
        )
    return table


def _gap(against: Mapping[str, Any] | None) -> str:
    """How far a version was above the one before it, on the same requests."""
    if against is None:
        return ""
    low, high = against["ci95"]
    return f"{against['difference']:+.4f} ({low:+.4f} to {high:+.4f})"


def _show_comparison(found: Comparison, *, as_json: bool) -> None:
    if as_json:
        print_json(asdict(found))
        return
    out.print(_listing([found.after, found.before]))
    table = Table(title="Settings that differ", title_justify="left")
    for heading in ("setting", found.before.version, found.after.version):
        table.add_column(heading)
    for change in found.changes:
        table.add_row(change.setting, str(change.before), str(change.after))
    out.print(table if found.changes else "Their settings are the same.")
    if isinstance(found.paired, Paired):
        out.print(f"{found.after.version}: {found.paired.says()}")
    else:
        out.print(f"They could not be asked the same: {found.paired.why}. {found.caution}")
