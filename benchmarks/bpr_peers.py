"""Bayesian personalised ranking beside `implicit`'s: quality and processor time in one run.

    SHELFWISE_DATA=/path/to/public/data shelfwise bench bpr_peers [--json FILE]

Amazon Beauty, one shopper a line, codes drawn anew. Leave-one-out: every setting below was chosen
by NDCG@10 of the validation item, learnt without it; the last line of each is the test item, learnt
from all before it. The whole catalogue is ranked, what the shopper has is hidden. One thread each;
the first call, which compiles, is not counted. `implicit` is compared where it is installed; its
shoppers have vectors of their own, so it answers for those it was trained on and nobody else.
"""

from __future__ import annotations

import importlib.util
import json
import os
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from scipy import sparse

from shelfwise.core.dataset import Dataset
from shelfwise.evaluation.metrics import score_lists
from shelfwise.evaluation.splits import Part, Split, leave_one_out
from shelfwise.retrieval.bpr import BPR, BPRConfig
from shelfwise.retrieval.topk import top_k

K, PIECE = 10, 512
Answer = Callable[[Split], NDArray[np.int32]]
OURS = (BPRConfig(factors=64), BPRConfig())
PEER: tuple[dict[str, Any], ...] = (
    {"factors": 128, "iterations": 100, "learning_rate": 0.1, "regularization": 0.01},
    {"factors": 128, "iterations": 300, "learning_rate": 0.1, "regularization": 0.01},
    {"factors": 128, "iterations": 300, "learning_rate": 0.2, "regularization": 0.005},
)


@dataclass(frozen=True)
class Row:
    """One fitted model: what it found, and what fitting it took."""

    model: str
    part: Part
    ndcg: float
    recall: float
    fit_cpu_s: float


def beauty(folder: Path) -> Dataset:
    """The shoppers' products in order, under codes drawn anew."""
    text = pa.input_stream(str(folder / "seq/Beauty.txt.zst"), compression="zstd").read()
    rows = [np.array(line.split()[1:], np.int64) for line in text.splitlines()]
    user = np.repeat(np.arange(len(rows), dtype=np.int32), [len(row) for row in rows])
    _, item = np.unique(np.concatenate(rows), return_inverse=True)
    n_items = int(item.max()) + 1
    code = np.random.default_rng(0).permutation(n_items).astype(np.int32)
    return Dataset.of_pairs(user, code[item], len(rows), n_items)


def ours(split: Split, config: BPRConfig) -> Answer:
    """Our model, fitted; the answers of its histories."""
    model = BPR.fit(split.train, config, np.random.default_rng(0))

    def answer(asked: Split) -> NDArray[np.int32]:
        parts = []
        for start in range(0, len(asked), PIECE):
            requests = asked.requests.part(start, start + PIECE)
            scores = model.scores(requests)
            row = np.repeat(np.arange(len(requests)), requests.history.lengths())
            scores[row, requests.history.item] = -np.inf
            parts.append(top_k(scores, K)[0])
        return np.concatenate(parts)

    return answer


def peers(split: Split, settings: dict[str, Any]) -> Answer:
    """`implicit`'s model, fitted; the answers of its shoppers."""
    from implicit.bpr import BayesianPersonalizedRanking  # noqa: PLC0415 - an optional peer

    events = split.train.events
    shape = (split.train.n_users, split.train.n_items)
    ones = np.ones(len(events), np.float32)
    matrix = sparse.csr_matrix((ones, (events.user, events.item)), shape=shape)
    model = BayesianPersonalizedRanking(random_state=0, num_threads=1, **settings)
    model.fit(matrix, show_progress=False)

    def answer(asked: Split) -> NDArray[np.int32]:
        found, _ = model.recommend(
            asked.users, matrix[asked.users], N=K, filter_already_liked_items=True
        )
        return np.asarray(found, np.int32)

    return answer


def measured(name: str, split: Split, fit: Callable[[Split], Answer]) -> Row:
    """The figures of one model, printed."""
    start = time.process_time()
    answer = fit(split)
    seconds = time.process_time() - start
    found = score_lists(answer(split), split.relevant, K).means()
    row = Row(name, split.part, found["ndcg"], found["recall"], seconds)
    print(f"{name:62} {row.part:10} {row.ndcg:.4f} {row.recall:.4f} {seconds:7.1f}", flush=True)
    return row


def best_of(
    name: str, data: Dataset, tried: dict[str, Callable[[Split], Answer]], rows: list[Row]
) -> None:
    """Adds a row per setting on the validation item, and the best of them on the test item."""
    validation = leave_one_out(data, part="validation", n=K)
    first = len(rows)
    rows += [measured(f"{name} {how}", validation, fit) for how, fit in tried.items()]
    best = max(rows[first:], key=lambda row: row.ndcg).model
    test = leave_one_out(data, n=K, train_on_validation=True)
    rows.append(measured(best, test, tried[best.removeprefix(f"{name} ")]))


def main(json_file: Path | None = None) -> None:
    """Prints the table, and writes it where asked."""
    folder = os.environ.get("SHELFWISE_DATA")
    if not folder:
        sys.exit("Set SHELFWISE_DATA to the folder of the public data sets.")
    data = beauty(Path(folder))
    few = data.with_events(data.events.take(np.arange(500)))
    BPR.fit(few, BPRConfig(epochs=1), np.random.default_rng(0))
    print(f"Load average {os.getloadavg()[0]:.1f}\n{'':62} {'item':10}  NDCG Recall   cpu s")
    rows: list[Row] = []
    best_of(
        "bpr",
        data,
        {f"{one.factors} factors": partial(ours, config=one) for one in OURS},
        rows,
    )
    if importlib.util.find_spec("implicit") is None:
        print("implicit is not installed, not compared.")
    else:
        best_of(
            "implicit",
            data,
            {str(one): partial(peers, settings=one) for one in PEER},
            rows,
        )
    if json_file is not None:
        json_file.write_text(json.dumps([asdict(row) for row in rows], indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
