"""Coupled factorisation beside `cmfrec`, and products that nobody met beside content.

    SHELFWISE_DATA=/path/to/public/data shelfwise bench coupled_peers [--json FILE]

Data: Beauty of the sequential benchmarks with its products (title words and attributes). All models
run in one process on one thread, on the same matrices; times are processor seconds, the order
changes from repeat to repeat, and the spread is the least and the largest.

1. Warm: the last item but one of every shopper held out (the validation item; the last is not used
   at all), whole catalogue ranked, seen items hidden. `cmfrec.CMF_implicit` gets the same binary
   matrix, the same TF-IDF rows of the products, the same number of factors and of rounds, alpha and
   penalty, and the weight of the attributes that does best of three. Its recommendations are folded
   in from the same history, undecayed as it cannot decay; ours is shown undecayed as well.
2. Cold: all events of a random tenth of the products held out. Per shopper who had one of them in
   the end, only these products are ranked, by what is known of the others.

Without `cmfrec` (pip install cmfrec; it is compiled, and no dependency of ours) it is left out.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from threadpoolctl import threadpool_limits

from shelfwise import Shop
from shelfwise.core.dataset import Dataset
from shelfwise.core.model import Model
from shelfwise.core.ragged import Ragged
from shelfwise.core.requests import Histories, Requests
from shelfwise.evaluation.metrics import score_lists
from shelfwise.evaluation.splits import leave_one_out
from shelfwise.pipeline.retrieve import allowed_scores
from shelfwise.retrieval.als import ALS, ALSConfig
from shelfwise.retrieval.content import Content, ContentConfig
from shelfwise.retrieval.coupled import Coupled, CoupledConfig
from shelfwise.retrieval.interactions import interaction_matrix
from shelfwise.retrieval.popular import Popular, PopularConfig
from shelfwise.retrieval.product_words import described, tokens
from shelfwise.retrieval.topk import top_k

K, REPEATS, FACTORS, ROUNDS, SHOPPERS = 10, 3, 64, 8, 4_000
COLD_SHARE = 0.1
PEER_WEIGHTS = (10.0, 100.0, 300.0)


@dataclass(frozen=True)
class Row:
    """One model's figures; seconds are the least, the middle and the largest."""

    part: str
    model: str
    cpu_s: tuple[float, float, float]
    recall: float
    ndcg: float
    ndcg_error: float
    """Standard error of the mean over shoppers."""


Fit = Callable[[], Callable[[Requests], NDArray[np.float32]]]
"""Fits a model and gives what scores requests."""


def beauty(folder: str) -> Dataset:
    """The shop, ids shuffled."""
    with tempfile.TemporaryDirectory() as scratch:
        shop = Shop.create(Path(scratch) / "shop")
        shop.ingest(
            events=f"{folder}/seq/Beauty.txt.zst", products=f"{folder}/seq/Beauty_products.csv.zst"
        )
        return shop.dataset()


def ours(kind: Any, config: Any, train: Dataset) -> Fit:
    """One of our models."""

    def fit() -> Callable[[Requests], NDArray[np.float32]]:
        model: Model = kind.fit(train, config, np.random.default_rng(0))
        nothing = Ragged.of([])
        return lambda asked: allowed_scores(
            model, asked, _empty(len(asked), nothing), train.n_items
        )

    return fit


def _empty(n: int, nothing: Ragged) -> Ragged:
    return Ragged(np.zeros(n + 1, np.int64), nothing.values)


def peer(train: Dataset, config: CoupledConfig, weight: float) -> Fit:
    """`cmfrec` on the same matrices."""
    peer_model = importlib.import_module("cmfrec").CMF_implicit
    matrix = interaction_matrix(train, config.weights)
    matrix.data[:] = 1.0
    found = Coupled.fit(
        train, config.model_copy(update={"iterations": 1}), np.random.default_rng(0)
    )
    rows = found.attributes.vocabulary.rows(_tokens(train, config))

    def fit() -> Callable[[Requests], NDArray[np.float32]]:
        model = peer_model(
            k=FACTORS,
            lambda_=config.reg,
            alpha=config.alpha,
            w_main=1.0,
            w_item=weight,
            niter=ROUNDS,
            use_cg=True,
            nthreads=1,
            use_float=True,
            verbose=False,
            random_state=0,
        )
        model.fit(X=sparse.coo_matrix(matrix), I=sparse.coo_matrix(rows))
        items = np.asarray(model.B_, np.float32)

        def scores(asked: Requests) -> NDArray[np.float32]:
            history = asked.history
            ones = np.ones(len(history.item), np.float32)
            met = sparse.csr_matrix(
                (ones, history.item, history.indptr), shape=(len(asked), train.n_items)
            )
            met.sum_duplicates()
            met.data[:] = 1.0
            vectors = np.asarray(model.factors_multiple(X=met.astype(np.float32)), np.float32)
            found = vectors @ items.T
            return np.asarray(found, np.float32)

        return scores

    return fit


def _tokens(train: Dataset, config: CoupledConfig) -> list[dict[str, float]]:
    return [tokens(product, config.fields) for product in described(train.products)]


def measured(
    part: str, fits: dict[str, Fit], asked: Requests, hidden: Ragged, relevant: Ragged
) -> list[Row]:
    """Every model fitted `REPEATS` times, the order turned each time, and measured once."""
    seconds: dict[str, list[float]] = {name: [] for name in fits}
    answer: dict[str, Callable[[Requests], NDArray[np.float32]]] = {}
    names = list(fits)
    for turn in range(REPEATS):
        for name in names[turn % len(names) :] + names[: turn % len(names)]:
            start = time.process_time()
            answer[name] = fits[name]()
            seconds[name].append(time.process_time() - start)
    return [
        _row(part, name, seconds[name], answer[name], asked, hidden, relevant) for name in names
    ]


def _row(
    part: str,
    name: str,
    seconds: list[float],
    answer: Callable[[Requests], NDArray[np.float32]],
    asked: Requests,
    hidden: Ragged,
    relevant: Ragged,
) -> Row:
    lists = []
    for start in range(0, len(asked), 500):
        scores = answer(asked.part(start, start + 500))
        out = hidden.part(start, start + 500)
        scores[out.rows(), out.values] = -np.inf
        lists.append(top_k(scores, K)[0])
    found = score_lists(np.concatenate(lists), relevant, K)
    error = float(found.ndcg.std() / np.sqrt(len(found.ndcg)))
    low, middle, high = (float(value) for value in np.quantile(seconds, [0, 0.5, 1]))
    return Row(
        part, name, (low, middle, high), float(found.recall.mean()), float(found.ndcg.mean()), error
    )


def warm(data: Dataset) -> list[Row]:
    """The held-out validation item of some shoppers, at equal factors."""
    split = leave_one_out(data, part="validation")
    asked = split.requests.part(0, SHOPPERS)
    even = CoupledConfig(factors=FACTORS, iterations=ROUNDS, context_decay=1.0)
    fits: dict[str, Fit] = {
        "coupled": ours(Coupled, even, split.train),
        "coupled, recent items count more": ours(
            Coupled, CoupledConfig(factors=FACTORS, iterations=ROUNDS), split.train
        ),
        "als": ours(
            ALS,
            ALSConfig(factors=FACTORS, iterations=ROUNDS, reg=even.reg, context_decay=1.0),
            split.train,
        ),
    }
    if importlib.util.find_spec("cmfrec") is None:
        print("cmfrec is not installed (pip install cmfrec): not compared.")
    else:
        fits |= {
            f"cmfrec, attributes x {weight:g}": peer(split.train, even, weight)
            for weight in PEER_WEIGHTS
        }
    relevant = split.relevant.part(0, SHOPPERS)
    return measured("warm", fits, asked, asked.history.items(), relevant)


def cold(data: Dataset) -> list[Row]:
    """A tenth of the products without any event, ranked among themselves."""
    events = data.events
    is_cold = np.random.default_rng(0).random(data.n_items) < COLD_SHARE
    train = data.with_events(events.take(~is_cold[events.item]))
    held = events.take(is_cold[events.item])
    users = np.unique(held.user)
    users = users[np.bincount(train.events.user, minlength=data.n_users)[users] > 0]
    users = np.random.default_rng(1).permutation(users)[:SHOPPERS].astype(np.int32)
    of_user = Ragged.group(held.user, held.item, data.n_users)
    relevant = Ragged.of([np.unique(of_user[user]).tolist() for user in users.tolist()])
    asked = Requests.of_histories(Histories.of_users(train, users), K)
    warm_items = np.flatnonzero(~is_cold).tolist()
    hidden = Ragged.of([warm_items] * len(users))
    fits = {
        "coupled": ours(Coupled, CoupledConfig(), train),
        "content": ours(Content, ContentConfig(), train),
        "popular": ours(Popular, PopularConfig(), train),
    }
    found = measured("cold", fits, asked, hidden, relevant)
    print(f"{int(is_cold.sum()):,} cold products, {len(users):,} shoppers")
    return found


def main(json_file: Path | None = None) -> None:
    """Prints both tables, and writes them where asked."""
    folder = os.environ.get("SHELFWISE_DATA")
    if not folder:
        sys.exit("Set SHELFWISE_DATA to the folder of the public data sets.")
    os.environ.setdefault("NUMBA_NUM_THREADS", "1")
    with threadpool_limits(1):
        data = beauty(folder)
        Coupled.fit(data, CoupledConfig(factors=FACTORS, iterations=1), np.random.default_rng(0))
        ALS.fit(data, ALSConfig(factors=FACTORS, iterations=1), np.random.default_rng(0))
        rows = [*warm(data), *cold(data)]
    print(f"one thread, load average {os.getloadavg()[0]:.1f}, {REPEATS} repeats")
    base = next(row for row in rows if row.model == "coupled").cpu_s[1]
    for row in rows:
        low, middle, high = row.cpu_s
        print(
            f"{row.part:5} {row.model:34} {middle:7.2f} s ({low:.2f} to {high:.2f},"
            f" x {middle / base:.2f})  recall@{K} {row.recall:.4f}  ndcg@{K} {row.ndcg:.4f}"
            f" ± {row.ndcg_error:.4f}"
        )
    if json_file is not None:
        json_file.write_text(json.dumps([asdict(row) for row in rows], indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
