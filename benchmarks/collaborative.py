"""Collaborative filtering on divisions that papers share: our models and their fusion.

    SHELFWISE_DATA=/path/to/public/data shelfwise bench collaborative [--json FILE]

Gowalla (He et al., SIGIR 2020; 29,858 shoppers, 40,981 places) and Amazon-Book as KGAT divides it
(Wang et al., KDD 2019; 70,679 shoppers, 24,915 books). Recall@20 and NDCG@20 over the whole
catalogue, everything trained on hidden. Codes are drawn anew, since the files number items in order
of appearance. The fusion is learnt on a tenth of the training part, with models that do not know
it; the settings below were chosen there too. The order within a shopper is no order in time, so
every product of a history counts alike. The test part is asked once, at the end.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from shelfwise.core.dataset import Dataset
from shelfwise.evaluation.metrics import score_lists
from shelfwise.evaluation.splits import Split, fixed
from shelfwise.pipeline.fit import Fitted, fit_models, learn_fusion
from shelfwise.pipeline.models import ModelsConfig
from shelfwise.pipeline.progress import silent
from shelfwise.pipeline.recommend import recommend_top
from shelfwise.pipeline.retrieve import allowed_scores
from shelfwise.pipeline.settings import PipelineConfig, RecommendConfig, TrainConfig
from shelfwise.ranking.fusion_config import FusionConfig
from shelfwise.retrieval.als import ALSConfig
from shelfwise.retrieval.graph import GraphConfig
from shelfwise.retrieval.item_knn import ItemKNNConfig
from shelfwise.retrieval.slim import SLIMConfig
from shelfwise.retrieval.topk import top_k

K, PART = 20, 256
MODELS = ("popular", "item_knn", "slim", "graph", "als")
PAIR = tuple[NDArray[np.int32], NDArray[np.int32]]


@dataclass(frozen=True)
class Division:
    """One published division, and what is published on it."""

    name: str
    train: str
    test: str
    published: str


DIVISIONS = (
    Division(
        "gowalla",
        "gowalla/train_sorted.txt.zst",
        "gowalla/test.txt.zst",
        "Recall@20 / NDCG@20: LightGCN .1830 / .1554, UltraGCN .1862 / .1580, BSPM .1920 / .1597",
    ),
    Division(
        "amazon-book-kgat",
        "amazon-book-kgat/train.txt.zst",
        "amazon-book-kgat/test.txt.zst",
        "Recall@20: KGAT .1489",
    ),
)


def settings() -> PipelineConfig:
    """Chosen on the held-back tenth of Gowalla's training part."""
    return PipelineConfig(
        models=ModelsConfig(
            item_knn=ItemKNNConfig(similarity="bm25", neighbours=500, context_decay=1.0),
            slim=SLIMConfig(neighbours=200, context_decay=1.0),
            graph=GraphConfig(context_decay=1.0),
            als=ALSConfig(factors=256, reg=15.0, context_decay=1.0),
        ),
        fusion=FusionConfig(k=K),
        train=TrainConfig(models=MODELS, per_source=100, learn_from=8_000),
        recommend=RecommendConfig(per_source=100),
    )


def read(path: Path) -> PAIR:
    """The (user, item) pairs of a file with a shopper a line."""
    text = pa.input_stream(str(path), compression="zstd").read()
    rows = [np.array(line.split(), np.int32) for line in text.splitlines()]
    user = np.repeat([row[0] for row in rows], [len(row) - 1 for row in rows])
    return user.astype(np.int32), np.concatenate([row[1:] for row in rows])


def shuffled(train: PAIR, test: PAIR, rng: np.random.Generator) -> tuple[Dataset, PAIR]:
    """The training part as a shop, codes and order drawn anew, and the test part in its codes."""
    n_users, n_items = (1 + int(max(train[i].max(), test[i].max())) for i in (0, 1))
    user = rng.permutation(n_users).astype(np.int32)
    item = rng.permutation(n_items).astype(np.int32)
    order = rng.permutation(len(train[0]))
    shop = Dataset.of_pairs(user[train[0]][order], item[train[1]][order], n_users, n_items)
    return shop, (user[test[0]], item[test[1]])


def held_back(shop: Dataset, rng: np.random.Generator) -> Split:
    """A tenth of the training part as what is to be found."""
    out = rng.random(len(shop.events)) < 0.1
    rest = shop.with_events(shop.events.take(~out))
    return fixed(rest, shop.events.user[out], shop.events.item[out], n=K)


def lists_of(name: str, fitted: Fitted, test: Split) -> NDArray[np.int32]:
    """The lists of one model alone."""
    parts = []
    for start in range(0, len(test), PART):
        asked = test.requests.part(start, start + PART)
        hidden = fitted.seen.hidden(asked.history, "exclude")
        scores = allowed_scores(fitted.models[name], asked, hidden, len(fitted.popular_first))
        parts.append(top_k(scores, K)[0])
    return np.concatenate(parts)


def rounded(figures: Mapping[str, float]) -> dict[str, float]:
    """For people."""
    return {name: round(value, 4) for name, value in figures.items()}


def run(division: Division, folder: Path) -> dict[str, Any]:
    """The figures of one division."""
    rng = np.random.default_rng(0)
    shop, wanted = shuffled(read(folder / division.train), read(folder / division.test), rng)
    config, test = settings(), fixed(shop, *wanted, n=K)
    validation = held_back(shop, rng)
    print(f"\n{division.name}: {len(shop.events):,} pairs to learn from. {division.published}")
    start, used = time.perf_counter(), time.process_time()
    early = fit_models(validation.train, config, silent)
    ranker = learn_fusion(early, validation, config, silent, seen="exclude")
    fitted = fit_models(shop, config, silent)
    wall, cpu = time.perf_counter() - start, time.process_time() - used
    found = {}
    for name in (*MODELS, "fusion"):
        top = (
            recommend_top(fitted.engine(ranker, config), test.requests, K, seen="exclude")
            if name == "fusion"
            else lists_of(name, fitted, test)
        )
        scores = score_lists(top, test.relevant, K).means()
        found[name] = {"recall@20": scores["recall"], "ndcg@20": scores["ndcg"]}
        print(f"{name:10} {scores['recall']:.4f} {scores['ndcg']:.4f}", flush=True)
    report = ranker.report
    print(f"Held out, NDCG@{K}: {rounded(report.ndcg_single)}, {rounded(report.ndcg)}")
    print(f"Without one source, {report.without_source_of}: {rounded(report.without_source)}")
    print(f"{report.says} Trained in {wall:.0f} s, {cpu:.0f} processor seconds.")
    return {"models": found, "train_wall_s": wall, "train_cpu_s": cpu}


def main(json_file: Path | None = None, only: str | None = None) -> None:
    """Prints every division's table, and writes it where asked."""
    data = os.environ.get("SHELFWISE_DATA")
    if not data:
        sys.exit("Set SHELFWISE_DATA to the folder of the public data sets.")
    print(f"Load average {os.getloadavg()[0]:.1f}, {os.cpu_count()} processors")
    found = {one.name: run(one, Path(data)) for one in DIVISIONS if only in {None, one.name}}
    if json_file is not None:
        json_file.write_text(json.dumps(found, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main(only=sys.argv[1] if len(sys.argv) > 1 else None)
