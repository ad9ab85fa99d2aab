"""The ways of fusing against each other and against scikit-learn and CatBoost, on real requests.

    SHELFWISE_DATA=/path/to/public/data shelfwise bench rankers [--json FILE]

UCI Online Retail (temporal validation window) and Beauty (each shopper's last item). All models are
fitted on what came before; each ranker then learns from the same thinned candidates of the same
requests and is measured on the same requests it has not seen: NDCG@10 over the whole catalogue,
with the paired difference to `boosted`; no test item plays any part. CPU seconds of fitting (all
folds), and the least milliseconds of scoring one request's 600 rows, of 20.

Peers: scikit-learn's LogisticRegression and RandomForestClassifier with the settings of ours (same
penalty, trees, depth, leaves, weights), CatBoost's QuerySoftMax on our linear ranker, as the
ranker `catboost`. Each is left out where it is not installed. scikit-learn's learn from a sixth
more requests: ours keep these to stop trees by, and learn from them in the final fit only.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from shelfwise import Shop
from shelfwise.core.extras import installed
from shelfwise.evaluation.intervals import difference
from shelfwise.pipeline.fit import fit_models, judge, validation_split
from shelfwise.pipeline.progress import silent
from shelfwise.ranking import FusionConfig, source_columns
from shelfwise.ranking.fusion_config import Tried
from shelfwise.ranking.judged import JudgedLists, ndcg
from shelfwise.ranking.linear import standard, standardised
from shelfwise.ranking.trial import Trial, lesson_of, run_trial
from shelfwise.rerank.seen import Seen

ROWS, ROUNDS, K = 600, 20, 10
Scorer = Callable[[NDArray[np.float32]], NDArray[np.float32]]


@dataclass(frozen=True)
class Row:
    """One ranker on one shop."""

    ranker: str
    ndcg: float
    against_boosted: float
    ci95: tuple[float, float]
    fit_cpu_s: float
    score_ms: float


def main(json_file: Path | None = None) -> None:
    """Prints a table per shop."""
    folder = os.environ.get("SHELFWISE_DATA")
    if not folder:
        sys.exit("Set SHELFWISE_DATA to the folder of the public data sets.")
    found = {}
    for name, ingest in _shops(Path(folder)).items():
        found[name] = _compare(*_lists(ingest))
        print(f"\n{name}\n{'':22}{'NDCG@10':>9}{'against boosted':>28}{'fit CPU s':>11}{'ms':>8}")
        for one in found[name]:
            low, high = one.ci95
            interval = f"{one.against_boosted:+.4f} ({low:+.4f} … {high:+.4f})"
            print(
                f"{one.ranker:22}{one.ndcg:9.4f}{interval:>28}"
                f"{one.fit_cpu_s:11.1f}{one.score_ms:8.2f}"
            )
    if json_file is not None:
        plain = {name: [asdict(one) for one in rows] for name, rows in found.items()}
        json_file.write_text(json.dumps(plain, indent=1))


def _shops(folder: Path) -> dict[str, dict[str, str | Path]]:
    return {
        "UCI Online Retail": {
            "events": folder / "uci_online_retail/online_retail.csv.zst",
            "format": "online-retail",
        },
        "Beauty": {
            "events": folder / "seq/Beauty.txt.zst",
            "products": folder / "seq/Beauty_products.csv.zst",
        },
    }


def _lists(ingest: dict[str, str | Path]) -> tuple[JudgedLists, tuple[str, ...]]:
    """Judged candidates of the latest requests, and the sources."""
    with tempfile.TemporaryDirectory() as root:
        shop = Shop.create(Path(root) / "shop")
        shop.ingest(**ingest)  # type: ignore[arg-type]
        data = shop.dataset()
    config = shop.config.model_copy(
        update={"train": shop.config.train.model_copy(update={"learn_from": 3500})}
    )
    split = validation_split(data, config)
    fitted = fit_models(split.train, config, silent)
    seen: Seen = "auto" if split.protocol == "temporal" else "exclude"
    rng = np.random.default_rng(0)
    judged = judge(fitted, split, config, rng, silent, seen=seen)
    return judged.lists(), tuple(fitted.models)


def _compare(lists: JudgedLists, sources: tuple[str, ...]) -> list[Row]:
    kinds: tuple[Tried, ...] = ("rrf", "logistic", "linear", "forest", "boosted", "blend")
    kinds += ("catboost",) if installed("catboost") else ()
    config = FusionConfig(rankers=kinds, drop_one="none")
    columns = source_columns(lists.names, sources)
    trial = run_trial(lists, tuple(columns), config, np.random.default_rng(0))
    held, base = trial.held_out, trial.ndcg["boosted"]
    few = lists.features[:ROWS].copy()
    rows = [
        _row(
            kind,
            reached[held],
            base[held],
            trial.seconds[kind],
            trial.rankers[0][1][kind].score,
            few,
        )
        for kind, reached in trial.ndcg.items()
    ]
    for name, fit in _peers(config).items():
        reached, seconds, score = _measured(lists, trial, fit, config)
        rows.append(_row(name, reached[held], base[held], seconds, score, few))
    return rows


def _row(
    name: str,
    reached: NDArray[np.float64],
    base: NDArray[np.float64],
    seconds: float,
    score: Scorer,
    few: NDArray[np.float32],
) -> Row:
    gap = difference(reached, base, seed=0)
    score(few)
    taken = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        score(few)
        taken.append(time.perf_counter() - start)
    return Row(
        name, float(reached.mean()), gap.mean, (gap.low, gap.high), seconds, min(taken) * 1e3
    )


def _peers(config: FusionConfig) -> dict[str, Callable[[JudgedLists], Scorer]]:
    if not installed("sklearn"):
        return {}
    from sklearn.ensemble import RandomForestClassifier  # noqa: PLC0415 - optional
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415

    def logistic(lists: JudgedLists) -> Scorer:
        mean, scale = standard(lists.features)
        model = LogisticRegression(
            C=1 / config.logistic.l2, max_iter=config.logistic.max_iterations
        )
        x = standardised(lists.features, mean, scale)
        model.fit(x, lists.relevance > 0, sample_weight=lists.row_weight())
        return lambda rows: np.asarray(
            model.decision_function(standardised(rows, mean, scale)), np.float32
        )

    def forest(lists: JudgedLists) -> Scorer:
        own = config.forest
        model = RandomForestClassifier(
            own.trees,
            max_depth=own.depth,
            min_samples_leaf=own.least_in_leaf,
            max_features=own.feature_share,
            max_samples=own.request_share,
            random_state=0,
        )
        model.fit(lists.features, lists.relevance > 0, sample_weight=lists.row_weight())
        return lambda rows: np.asarray(model.predict_proba(rows)[:, 1], np.float32)

    return {"scikit-learn logistic": logistic, "scikit-learn forest": forest}


def _measured(
    lists: JudgedLists,
    trial: Trial,
    fit: Callable[[JudgedLists], Scorer],
    config: FusionConfig,
) -> tuple[NDArray[np.float64], float, Scorer]:
    """NDCG of each held-out request, CPU seconds of fitting, and the last fitted scorer."""
    reached, seconds = np.zeros(len(lists)), 0.0
    scorers: list[Scorer] = []
    for held, _ in trial.rankers:
        lesson = lesson_of(lists, ~held, config, np.random.default_rng(1))
        start = time.process_time()
        scorers.append(fit(lesson.lists))
        seconds += time.process_time() - start
        where = held & lists.found()
        test = lists.take(where)
        reached[where] = ndcg(
            scorers[-1](test.features), test.indptr, test.relevance, test.n_relevant, K
        )
    return reached, seconds, scorers[-1]


if __name__ == "__main__":
    main()
