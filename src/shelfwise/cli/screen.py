"""What commands print: results on stdout, progress and errors on stderr."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

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

from shelfwise.core.errors import BadInputError
from shelfwise.pipeline.progress import Progress as Report
from shelfwise.pipeline.progress import silent

out = Console(width=None if sys.stdout.isatty() else 110)
err = Console(stderr=True)


@contextmanager
def progress_bar(quiet: bool) -> Iterator[Report]:
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


def print_json(value: Any) -> None:
    """The value as JSON on stdout."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=1) + "\n")


def write_text(path: Path, text: str) -> None:
    """The text in a file that the command line named."""
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise BadInputError(
            f"{path} cannot be written: {error.strerror}.", remedy="Name a file you may write."
        ) from None
