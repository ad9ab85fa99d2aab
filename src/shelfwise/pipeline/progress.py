"""How long work tells what it is doing; whoever shows it decides how."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Called as work goes on: what is done now, and how much of how much is done."""

    def __call__(self, label: str, done: int, total: int) -> None:
        """Notes that `done` of `total` of `label` are done."""
        ...


def silent(label: str, done: int, total: int) -> None:
    """Shows nothing."""
