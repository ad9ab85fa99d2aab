"""`shelfwise recommend`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer
from rich.table import Table

from shelfwise.app import Shop
from shelfwise.cli.options import AsJson, Overrides, ShopPath
from shelfwise.cli.screen import out, print_json
from shelfwise.core.errors import BadInputError
from shelfwise.core.question import Question
from shelfwise.core.slate import Slate
from shelfwise.rerank.seen import Seen


def recommend(
    shop: ShopPath,
    user: Annotated[str | None, typer.Option(help="For this shopper.")] = None,
    users: Annotated[
        Path | None, typer.Option(help="For many shoppers: a file with one id a line.")
    ] = None,
    session: Annotated[
        str | None, typer.Option(help="For a visit: items seen, oldest first: A,B,C.")
    ] = None,
    item: Annotated[str | None, typer.Option(help="To go with this product.")] = None,
    n: Annotated[int, typer.Option("-n", min=1, max=1000, help="How many items.")] = 10,
    exclude_seen: Annotated[
        bool | None,
        typer.Option(
            "--exclude-seen/--allow-seen",
            help="Never, or always, allow what the shopper has seen; default: as learnt.",
        ),
    ] = None,
    where: Annotated[
        str | None, typer.Option("--filter", help="A filter over product fields, as JSON.")
    ] = None,
    overrides: Overrides = None,
    as_json: AsJson = False,
) -> None:
    """Recommend products, each with its reasons."""
    if sum(one is not None for one in (user, users, session, item)) != 1:
        raise typer.BadParameter("give exactly one of --user, --users, --session, --item")
    seen: Seen = "auto" if exclude_seen is None else "exclude" if exclude_seen else "allow"
    opened = Shop.open(shop, overrides or ())
    if users is not None:
        _recommend_many(opened, users, n, seen, where, as_json=as_json)
        return
    question = Question(
        user_id=user,
        item_id=item,
        item_ids=tuple(part.strip() for part in session.split(",")) if session else (),
        n=n,
        seen=seen,
        filter=_filter(where),
    )
    slate = opened.recommend(question)
    if as_json:
        print_json(msgspec.to_builtins(slate))
    elif not slate.items:
        out.print("Nothing is left to recommend: all products are excluded, hidden or known.")
    else:
        out.print(slate_table(opened, slate))


def slate_table(shop: Shop, slate: Slate) -> Table:
    """The answer as rows: position, item, title, score and the reasons."""
    live = shop.live()
    table = Table(show_lines=False)
    table.add_column("#", justify="right")
    table.add_column("item", no_wrap=True)
    table.add_column("title", overflow="fold")
    table.add_column("score", justify="right")
    table.add_column("because", overflow="fold")
    for item in slate.items:
        product = live.product(item.item_id)
        table.add_row(
            str(item.position),
            item.item_id,
            (product.title if product else None) or "",
            f"{item.score:.3f}",
            "; ".join(reason.text for reason in item.reasons),
        )
    return table


def _recommend_many(
    shop: Shop, users: Path, n: int, seen: Seen, where: str | None, *, as_json: bool
) -> None:
    try:
        ids = [line.strip() for line in users.read_text(encoding="utf-8").splitlines()]
    except OSError as error:
        raise BadInputError(
            f"{users} cannot be read: {error.strerror}.", remedy="Name a file with one id a line."
        ) from None
    wanted = [user for user in ids if user]
    for user, slate in zip(
        wanted, shop.recommend_many(wanted, n=n, seen=seen, filter=_filter(where)), strict=True
    ):
        if as_json:
            line = {"user_id": user, **msgspec.to_builtins(slate)}
            sys.stdout.write(json.dumps(line, ensure_ascii=False) + "\n")
        else:
            out.print(f"{user}\t" + "\t".join(item.item_id for item in slate.items), markup=False)


def _filter(text: str | None) -> dict[str, Any] | None:
    if text is None:
        return None
    try:
        return dict(json.loads(text))
    except (ValueError, TypeError):
        raise BadInputError(
            f"--filter is not a JSON object: {text[:60]}.",
            remedy="""For example --filter '{"eq": ["brand", "Acme"]}'.""",
        ) from None
