"""The leaderboard in the terminal."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from rich.console import Console

from shelfwise.core.dataset import Dataset
from shelfwise.evaluation.leaderboard import figure, leaderboard
from shelfwise.evaluation.measure import measure
from shelfwise.evaluation.report import summarise
from shelfwise.evaluation.splits import leave_one_out
from shelfwise.evaluation.yardstick import Yardstick


def test_the_leaderboard_shows_every_model_best_first_and_the_verdict(
    shop: Callable[..., Dataset],
) -> None:
    rows = [(user, item, "view", item) for user in range(4) for item in range(1, 5)]
    dataset = shop(rows)
    yardstick = Yardstick.of(leave_one_out(dataset), dataset)
    lists = {"popular": [[9, 9]] * 4, "fused": [[4, 9]] * 4}
    models = [
        measure(yardstick, name, np.array(top, np.int32), 2, fit_seconds=2.0)
        for name, top in lists.items()
    ]
    report = summarise(yardstick, models, fusion="fused", k=2, seed=1, repeat_policy="left out")
    console = Console(width=120)
    with console.capture() as printed:
        console.print(leaderboard(report))
    text = printed.get()
    assert text.index("fused") < text.index("popular")
    assert "NDCG@2" in text
    assert "1.0000" in text
    assert "fused beats the best single model, popular" in text


def test_figures_are_written_as_rankings_are_read() -> None:
    assert figure(0.07114) == ".0711"
    assert figure(1.0) == "1.0000"
    assert figure(float("nan")) == "–"
