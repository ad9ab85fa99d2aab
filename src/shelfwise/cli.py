"""The `shelfwise` command: one command per stage of a shop's life.

Results go to stdout, progress and errors to stderr. Exit status: 0 done, 1 it could not be done
(one line says why and what to do), 2 the command line was not understood.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table

from shelfwise.app import Shop
from shelfwise.core.errors import BadInputError, ShelfwiseError
from shelfwise.core.question import Question
from shelfwise.core.slate import Slate
from shelfwise.evaluation.leaderboard import leaderboard
from shelfwise.pipeline.progress import Progress as Report
from shelfwise.pipeline.progress import silent
from shelfwise.rerank.seen import Seen

if TYPE_CHECKING:
    from starlette.applications import Starlette

app = typer.Typer(
    name="shelfwise",
    help="A self-hosted recommender for shops: ingest, train, evaluate, recommend, serve.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
SITE_APPLICATION = "shelfwise.cli:site"
"""What the server's processes are to run: `site`."""
out = Console(width=None if sys.stdout.isatty() else 110)
err = Console(stderr=True)


class Protocol(StrEnum):
    """How to test honestly."""

    temporal = "temporal"
    leave_one_out = "leave-one-out"


ShopPath = Annotated[Path, typer.Argument(metavar="SHOP", help="The shop's folder.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.")]
Overrides = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="A setting for this run: section.key=value."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]


@app.command()
def init(shop: ShopPath) -> None:
    """Make the folder of a new shop."""
    Shop.create(shop)
    out.print(f"{shop} is a shop. Next: shelfwise ingest {shop} --events FILE --products FILE")


@app.command()
def ingest(
    shop: ShopPath,
    events: Annotated[
        list[Path] | None, typer.Option(help="What shoppers did: a file; may be repeated.")
    ] = None,
    products: Annotated[
        list[Path] | None, typer.Option(help="What the products are: a file; may be repeated.")
    ] = None,
    reviews: Annotated[
        list[Path] | None, typer.Option(help="What people wrote: a file; may be repeated.")
    ] = None,
    format: Annotated[  # noqa: A002 - the option is called --format
        str, typer.Option(help="The files' format, or auto to find out.")
    ] = "auto",
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Read files into the shop: CSV, JSON lines or Parquet, also .gz and .zst."""
    if not (events or products or reviews):
        raise typer.BadParameter("give at least one of --events, --products, --reviews")
    opened = Shop.open(shop)
    with _progress(quiet) as progress:
        report = opened.ingest(
            events=events or (),
            products=products or (),
            reviews=reviews or (),
            format=format,
            progress=progress,
        )
    if as_json:
        _print_json(report.as_dict())
    else:
        for table in report.tables():
            out.print(table)


@app.command()
def train(
    shop: ShopPath,
    until: Annotated[
        str | None, typer.Option(help="Forget everything from this time on (date or ISO time).")
    ] = None,
    overrides: Overrides = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Train all models and their fusion; the new version answers unless it is worse."""
    opened = Shop.open(shop, overrides or ())
    with _progress(quiet) as progress:
        published = opened.train(until_ms=_time_ms(until), progress=progress)
    about = opened.about(published.version)
    if as_json:
        _print_json(about | {"version": published.version, "promoted": published.promoted})
        return
    out.print(_trained_table(about))
    out.print(about["fusion"]["says"])
    out.print(f"Version {published.version}. {published.says}")


@app.command()
def evaluate(
    shop: ShopPath,
    protocol: Annotated[Protocol, typer.Option(help="How to hold back the truth.")] = (
        Protocol.temporal
    ),
    models: Annotated[
        str | None, typer.Option(help="Only these models and their fusion: a,b,c.")
    ] = None,
    k: Annotated[int, typer.Option(min=1, max=1000, help="Length of the lists.")] = 10,
    json_file: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Also write the report as JSON.")
    ] = None,
    train_on_validation: Annotated[
        bool,
        typer.Option(
            help="Leave-one-out: train the final models on the validation item too.",
        ),
    ] = True,
    overrides: Overrides = None,
    quiet: Quiet = False,
) -> None:
    """Test the models and their fusion on the shop's own past, honestly."""
    opened = Shop.open(shop, overrides or ())
    with _progress(quiet) as progress:
        evaluated = opened.evaluate(
            protocol.value,
            models=[name.strip() for name in models.split(",")] if models else None,
            k=k,
            train_on_validation=train_on_validation,
            progress=progress,
        )
    if json_file is not None:
        _write(json_file, json.dumps(evaluated.report.to_dict(), indent=1))
    out.print(leaderboard(evaluated.report))
    out.print(f"Report with plots: {evaluated.html}", soft_wrap=True)


@app.command()
def tune(
    shop: ShopPath,
    minutes: Annotated[float, typer.Option(min=0.01, help="How long to search.")] = 10.0,
    overrides: Overrides = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Search better settings of the models on validation data; write them to shop.toml."""
    opened = Shop.open(shop, overrides or ())
    with _progress(quiet) as progress:
        tuned = opened.tune(minutes, progress)
    if as_json:
        _print_json(msgspec.to_builtins(tuned))
        return
    table = Table(title="Validation NDCG@10", title_justify="left")
    for heading in ("model", "before", "after", "tries", "kept"):
        table.add_column(heading, justify="left" if heading in {"model", "kept"} else "right")
    for one in tuned:
        kept = ", ".join(f"{key} = {value:g}" for key, value in one.settings.items())
        figures = (f"{one.before:.4f}", f"{one.after:.4f}", str(one.tries))
        table.add_row(one.model, *figures, kept or "as it was")
    out.print(table)
    out.print(f"Written to {shop / 'shop.toml'}. Next: shelfwise train {shop}")


@app.command()
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
        _print_json(msgspec.to_builtins(slate))
    elif not slate.items:
        out.print("Nothing is left to recommend: all products are excluded, hidden or known.")
    else:
        out.print(_slate_table(opened, slate))


@app.command()
def serve(
    shop: ShopPath,
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="Port.")] = None,
    workers: Annotated[int | None, typer.Option(min=1, max=64, help="Processes.")] = None,
    overrides: Overrides = None,
) -> None:
    """Serve the API, console and storefront on loopback (unless told otherwise) until stopped."""
    from shelfwise.serving.server import Listen  # noqa: PLC0415 - a server starts slowly
    from shelfwise.serving.server import serve as serve_shop  # noqa: PLC0415

    opened = Shop.open(shop, overrides or ())
    config = opened.config.serve
    listen = Listen(
        host or config.host, config.port if port is None else port, workers or config.workers
    )
    serve_shop(
        shop, listen, tuple(overrides or ()), application=SITE_APPLICATION, announce=_announce
    )


@app.command()
def bench(
    name: Annotated[str, typer.Argument(help="Which benchmark, or all.")],
    json_file: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Also write the figures as JSON.")
    ] = None,
) -> None:
    """Run a benchmark of the source checkout, each beside a peer or a physical limit."""
    from shelfwise.pipeline.bench import run_benchmark  # noqa: PLC0415 - only this command needs it

    run_benchmark(name, json_file)


@app.command()
def demo(
    shop: Annotated[Path, typer.Argument(metavar="SHOP", help="Folder for the demo shop.")],
    serve_it: Annotated[bool, typer.Option("--serve/--no-serve", help="Serve it after.")] = True,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port.")] = 8000,
    seed: Annotated[int, typer.Option(min=0, help="Of the simulated shop.")] = 0,
    quiet: Quiet = False,
) -> None:
    """Simulate a shop, ingest it, train, evaluate, recommend; then serve it."""
    from shelfwise.ingest.demo_shop import DemoConfig, simulate  # noqa: PLC0415 - only the demo

    opened = Shop.create(shop)
    config = DemoConfig()
    # ends yesterday, so that the shop is alive when it is looked at
    first_day = datetime.now(UTC).date() - timedelta(days=config.days)
    config = config.model_copy(update={"start": first_day})
    files = simulate(config, seed).write_csv(shop / "export")
    out.print(f"[bold]A simulated shop[/bold] was written to {shop / 'export'}")
    with _progress(quiet) as progress:
        report = opened.ingest(
            events=files.events, products=files.products, reviews=files.reviews, progress=progress
        )
    for table in report.tables():
        out.print(table)
    with _progress(quiet) as progress:
        evaluated = opened.evaluate("temporal", progress=progress)
    out.print(leaderboard(evaluated.report))
    with _progress(quiet) as progress:
        published = opened.train(progress=progress)
    out.print(_trained_table(opened.about(published.version)))
    shopper = opened.live().some_shopper()
    out.print(f"What shopper [bold]{shopper}[/bold] should see:")
    out.print(_slate_table(opened, opened.recommend(user_id=shopper, n=5)))
    if serve_it:
        serve(shop, port=port)


def site() -> Starlette:
    """The API, console and storefront of the shop that the environment names.

    Each of the server's workers builds its own.
    """
    from shelfwise.console.routes import pages  # noqa: PLC0415 - only the server needs these
    from shelfwise.serving.worker import create  # noqa: PLC0415

    return create(pages)


def main() -> None:
    """Runs the command line; this is the `shelfwise` script."""
    try:
        app(standalone_mode=True)
    except ShelfwiseError as error:
        err.print(f"shelfwise: {error}", style="red", markup=False, soft_wrap=True)
        sys.exit(1)
    except OSError as error:
        where = f" {error.filename}:" if error.filename else ""
        err.print(f"shelfwise:{where} {error.strerror or error}.", markup=False, soft_wrap=True)
        sys.exit(1)
    except KeyboardInterrupt:
        err.print("shelfwise: interrupted; what was finished before is kept.")
        sys.exit(1)


def _announce(url: str) -> None:
    for name, path in (("Console", "/console"), ("Storefront", "/shop"), ("API", "/openapi.json")):
        out.print(f"{name:<11} {url}{path}", highlight=False, soft_wrap=True)


@contextmanager
def _progress(quiet: bool) -> Iterator[Report]:
    """A progress bar with an estimate on stderr, or nothing."""
    if quiet:
        yield silent
        return
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=err, transient=True) as bar:
        tasks: dict[str, Any] = {}

        def report(label: str, done: int, total: int) -> None:
            group = label.partition(":")[0]
            if group not in tasks:
                tasks[group] = bar.add_task(label, total=total)
            bar.update(tasks[group], description=label, completed=done, total=total)

        yield report


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


def _time_ms(text: str | None) -> int | None:
    if text is None:
        return None
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        raise BadInputError(
            f"--until '{text}' is not a time.", remedy="Write 2026-01-31 or 2026-01-31T12:00:00Z."
        ) from None
    return int((when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp() * 1000)


def _trained_table(about: dict[str, Any]) -> Table:
    fusion = about["fusion"]
    table = Table(title=f"Trained on {about['events']:,} events", title_justify="left")
    table.add_column("model")
    table.add_column("fit, s", justify="right")
    table.add_column(f"held-out NDCG@{fusion['k']}", justify="right")
    for name in about["models"]:
        alone = fusion["ndcg_single"].get(name)
        serves = " (serves)" if name == fusion["chosen"] else ""
        table.add_row(
            name + serves,
            f"{about['fit_seconds'][name]:.1f}",
            "" if alone is None else f"{alone:.4f}",
        )
    for name, value in fusion["ndcg"].items():
        chosen = " (serves)" if name == fusion["chosen"] else ""
        table.add_row(f"fusion: {name}{chosen}", "", f"{value:.4f}", style="bold")
    return table


def _slate_table(shop: Shop, slate: Slate) -> Table:
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


def _print_json(value: Any) -> None:
    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=1) + "\n")


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise BadInputError(
            f"{path} cannot be written: {error.strerror}.", remedy="Name a file you may write."
        ) from None


if __name__ == "__main__":
    main()
