"""Our models beside the fastest public ones and beside the machine, as ratios of one run.

    SHELFWISE_DATA=/path/to/public/data shelfwise bench models [--json FILE]

Data: the Beauty sequences (22,363 shoppers, 12,101 products) and ml-1m (6,040, 3,416), each
shopper's last two items held back, codes drawn anew. Whoever is compared takes turns, `REPEATS`
times after one that may compile, and the least of each is set against the least of the other:
processor seconds where both use all processors, so that other work on the machine says little, wall
seconds where the limit is the machine's. Peers are optional: `pip install implicit irspack
rectools[torch]` beside Shelfwise, in an environment of its own; one that is missing is said to be.

- `als`: whole fits with the same factors, rounds, conjugate gradient steps, confidence and penalty.
  For the quality, every package's item vectors score through the same fold-in; NDCG@10 of the
  validation items.
- `item_knn`: as many neighbours as implicit's `CosineRecommender` keeps.
- `ease`: Cholesky and inverse (n³ floating-point operations) of `EASE_ITEMS` items at the rate of a
  product of matrices, all in single precision; `np.linalg.inv` in the double precision of published
  code, on half the items and scaled by the cube. One thread each.
- `sequential`: an epoch over every tenth shopper of Beauty, a fit of `EPOCHS` divided by them,
  beside a fit of one epoch of RecTools' SASRec with the full softmax, of the same size and layers.
- `transition`: synthetic events, a fit from the columns to the model; the second one once.
- evaluation: Beauty's 22,363 requests, EASE's lists, all metrics and the report.
"""

from __future__ import annotations

import contextlib
import importlib.util
import io
import json
import os
import platform
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from scipy import sparse
from threadpoolctl import threadpool_limits

from shelfwise.core.dataset import Dataset
from shelfwise.core.threads import n_threads
from shelfwise.evaluation.metrics import score_lists
from shelfwise.evaluation.splits import Split, leave_one_out
from shelfwise.pipeline.bench import load
from shelfwise.rerank.seen import SeenConfig, SeenPolicy
from shelfwise.retrieval.als import ALS, ALSConfig
from shelfwise.retrieval.ease import _solved
from shelfwise.retrieval.item_knn import ItemKNN, ItemKNNConfig
from shelfwise.retrieval.sequential import Sequential, SequentialConfig
from shelfwise.retrieval.topk import top_k
from shelfwise.retrieval.transition import Transition, TransitionConfig

REPEATS, K, ASKED = 3, 10, 5_000
EPOCHS = 15.0
"""Of our transformer: as many as make the 300 batches that it trains a small shop with at least."""
EASE_ITEMS = 8_000
TRANSITION_EVENTS = (2_000_000, 20_000_000)
Works = Mapping[str, Callable[[], object]]


@dataclass(frozen=True)
class Took:
    """Least seconds of the repeats."""

    wall: float
    cpu: float


@dataclass(frozen=True)
class Ratio:
    """A line of the report: a figure, and what it should at least be; NaN: not compared."""

    what: str
    figure: float
    aim: float
    says: str

    def __str__(self) -> str:
        if np.isnan(self.figure):
            return f"{self.what:52} {self.says}"
        verdict = "reached" if self.figure >= self.aim else "MISSED"
        return f"{self.what:52}{self.figure:10.2f}{self.aim:8.2f} {verdict:8} {self.says}"


def in_turn(works: Works, repeats: int = REPEATS) -> dict[str, Took]:
    """Least seconds of each, all taking turns, after one run of each that is not counted."""
    for work in works.values():
        work()
    seconds: dict[str, list[tuple[float, float]]] = {name: [] for name in works}
    for _ in range(repeats):
        for name, work in works.items():
            seconds[name].append(once(work))
    return {
        name: Took(min(wall for wall, _ in all_of), min(cpu for _, cpu in all_of))
        for name, all_of in seconds.items()
    }


def once(work: Callable[[], object]) -> tuple[float, float]:
    """Wall and processor seconds."""
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - wall, time.process_time() - cpu


def installed(name: str) -> bool:
    """Whether the peer is there."""
    return importlib.util.find_spec(name) is not None


def absent(what: str, peer: str) -> Ratio:
    """The line of a peer that is not there."""
    return Ratio(what, float("nan"), float("nan"), f"{peer} is not installed: not compared")


def sequences(folder: Path, name: str) -> Dataset:
    """A file of sequences, a shopper and what they met a line, codes drawn anew."""
    with pa.input_stream(folder / "seq" / f"{name}.txt.zst", compression="zstd") as stream:
        lines = [line.split() for line in stream.read().decode().splitlines()]
    who = np.repeat([line[0] for line in lines], [len(line) - 1 for line in lines])
    users, user = np.unique(who, return_inverse=True)
    named, item = np.unique([code for line in lines for code in line[1:]], return_inverse=True)
    drawn = np.random.default_rng(0).permutation(len(named)).astype(np.int32)
    return Dataset.of_pairs(user.astype(np.int32), drawn[item], len(users), len(named))


def matrix_of(data: Dataset) -> sparse.csr_matrix:
    """[shoppers, products] 1 where they met."""
    ones = np.ones(len(data.events), np.float32)
    shape = (data.n_users, data.n_items)
    matrix = sparse.csr_matrix((ones, (data.events.user, data.events.item)), shape=shape)
    matrix.data[:] = 1
    return matrix


def ndcg(model: ALS, split: Split) -> NDArray[np.float64]:
    """[requests] NDCG@10 of the first requests, what was met before being hidden."""
    asked, wanted = split.requests.part(0, ASKED), split.relevant.part(0, ASKED)
    scores = model.scores(asked)
    history = asked.history
    scores[np.repeat(np.arange(len(asked)), history.lengths()), history.item] = -np.inf
    return score_lists(top_k(scores, K)[0], wanted, K).ndcg


def als(split: Split, name: str, factors: int) -> Iterator[Ratio]:
    """Fits of our ALS and of its peers."""
    matrix = matrix_of(split.train)
    config = ALSConfig(factors=factors)
    items: dict[str, NDArray[np.float32]] = {}
    ours = ALS.fit(matrix, config, np.random.default_rng(0))

    def fit_ours() -> None:
        items["ours"] = ALS.fit(matrix, config, np.random.default_rng(0)).factors

    def fit_implicit() -> None:
        from implicit.als import AlternatingLeastSquares  # noqa: PLC0415 - an optional peer

        peer = AlternatingLeastSquares(
            factors=factors,
            iterations=config.iterations,
            regularization=config.reg,
            num_threads=n_threads(),
            random_state=0,
        )
        peer.fit(matrix * np.float32(1 + config.alpha), show_progress=False)
        items["implicit"] = peer.item_factors

    def fit_irspack() -> None:
        from irspack.recommenders import IALSRecommender  # noqa: PLC0415 - an optional peer

        peer = IALSRecommender(
            matrix,
            n_components=factors,
            alpha0=1 / config.alpha,
            reg=config.reg / config.alpha,
            nu=0.0,
            loss_type="ORIGINAL",
            train_epochs=config.iterations,
            solver_type="CG",
            max_cg_steps=3,
            n_threads=n_threads(),
        )
        with contextlib.redirect_stdout(io.StringIO()):  # its progress bar
            peer.learn()
        items["irspack"] = peer.get_item_embedding()

    peers = {"implicit": fit_implicit, "irspack": fit_irspack}
    there = {peer: work for peer, work in peers.items() if installed(peer)}
    with threadpool_limits(1, "blas"):
        took = in_turn({"ours": fit_ours, **there})
    quality = {
        who: ndcg(replace(ours, factors=np.ascontiguousarray(vectors, np.float32)), split)
        for who, vectors in items.items()
    }
    for peer, aim in (("implicit", 1.9), ("irspack", 1.0)):
        what = f"als, {name}, {factors} factors: faster than {peer}"
        if peer not in there:
            yield absent(what, peer)
            continue
        gap = quality["ours"] - quality[peer]
        says = (
            f"{took[peer].cpu:.2f} / {took['ours'].cpu:.2f} CPU s; NDCG@10 "
            f"{quality[peer].mean():.4f}, ours {quality['ours'].mean():.4f} "
            f"({gap.mean():+.4f} ± {gap.std() / np.sqrt(len(gap)):.4f})"
        )
        yield Ratio(what, took[peer].cpu / took["ours"].cpu, aim, says)


def item_knn(split: Split, name: str) -> Iterator[Ratio]:
    """Fits of our neighbours and implicit's."""
    what = f"item_knn, {name}: faster than implicit's cosine"
    if not installed("implicit"):
        yield absent(what, "implicit")
        return
    from implicit.nearest_neighbours import CosineRecommender  # noqa: PLC0415 - an optional peer

    matrix, config = matrix_of(split.train), ItemKNNConfig()

    def theirs() -> None:
        peer = CosineRecommender(K=config.neighbours, num_threads=n_threads())
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of a conversion that it makes itself
            peer.fit(matrix, show_progress=False)

    took = in_turn(
        {
            "ours": lambda: ItemKNN.fit(matrix, config, np.random.default_rng(0)),
            "theirs": theirs,
        }
    )
    says = f"{took['theirs'].cpu:.2f} / {took['ours'].cpu:.2f} CPU s"
    yield Ratio(what, took["theirs"].cpu / took["ours"].cpu, 1.0, says)


def ease() -> Iterator[Ratio]:
    """The inverse of EASE beside a product of matrices and NumPy's inverse, on one thread each."""
    rng = np.random.default_rng(0)
    wide = rng.normal(size=(EASE_ITEMS, EASE_ITEMS // 2)).astype(np.float32)
    gram = np.asarray(wide @ wide.T / np.float32(EASE_ITEMS), np.float32)
    block = gram[:3_000, :3_000].copy()
    double = gram[: EASE_ITEMS // 2, : EASE_ITEMS // 2] + 100 * np.eye(EASE_ITEMS // 2)
    works: Works = {
        "ours": lambda: _solved(gram.copy(), 100.0),
        "copy": gram.copy,
        "product": lambda: block @ block,
        "numpy": lambda: np.linalg.inv(double),
    }
    with threadpool_limits(1, "blas"):
        took = in_turn(works)
    ours, numpy = took["ours"].cpu - took["copy"].cpu, took["numpy"].cpu * 8
    rates = EASE_ITEMS**3 / ours / 1e9, 2 * 3_000**3 / took["product"].cpu / 1e9
    says = f"{rates[0]:.0f} / {rates[1]:.0f} GFLOP/s"
    yield Ratio("ease: share of the rate of a product of matrices", rates[0] / rates[1], 0.9, says)
    says = f"{numpy:.1f} / {ours:.1f} CPU s"
    yield Ratio("ease: faster than np.linalg.inv", numpy / ours, 5.0, says)


def sequential(data: Dataset) -> Iterator[Ratio]:
    """An epoch of our transformer and of RecTools'."""
    what = "sequential: an epoch faster than RecTools' SASRec"
    if not installed("rectools") or not installed("pytorch_lightning"):
        says = "rectools is not installed; elsewhere RecBole took 410 and RecTools 519 CPU s"
        yield Ratio(what, float("nan"), float("nan"), says)
        return
    part = data.with_events(data.events.take(data.events.user % 10 == 0))
    config = SequentialConfig(epochs=EPOCHS, minutes=60.0)

    def fit() -> None:
        Sequential.fit(part, config, np.random.default_rng(0))

    took = in_turn({"ours": fit}, repeats=1)["ours"]
    wall, theirs = once(partial(rectools_epoch, part, config))
    ours = took.cpu / EPOCHS
    says = f"{theirs:.1f} / {ours:.2f} CPU s, {wall:.1f} / {took.wall / EPOCHS:.2f} s wall"
    yield Ratio(what, theirs / ours, 25.0, says)


def rectools_epoch(data: Dataset, config: SequentialConfig) -> None:
    """One epoch of RecTools' SASRec of the same shape."""
    import pandas as pd  # noqa: PLC0415 - comes with the peer
    from rectools.dataset import Dataset as Interactions  # noqa: PLC0415 - an optional peer
    from rectools.models import SASRecModel  # noqa: PLC0415 - an optional peer

    events = data.events
    frame = pd.DataFrame(
        {
            "user_id": events.user,
            "item_id": events.item,
            "weight": 1.0,
            "datetime": pd.Timestamp("2020-01-01")
            + pd.to_timedelta(np.arange(len(events)), unit="s"),
        }
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        SASRecModel(
            n_factors=config.size,
            n_blocks=config.layers,
            n_heads=config.heads,
            dropout_rate=config.dropout,
            session_max_len=config.longest,
            loss="softmax",
            epochs=1,
        ).fit(Interactions.construct(frame))


def random_events(n_events: int) -> Dataset:
    """A tenth as many shoppers as events, 50,000 products with popularity ~ 1 / (10 + rank)."""
    rng = np.random.default_rng(0)
    user = np.sort(rng.integers(0, n_events // 10, n_events, dtype=np.int32))
    up_to = np.cumsum(1 / (10 + rng.permutation(50_000)))
    item = np.searchsorted(up_to, rng.random(n_events, np.float32) * up_to[-1])
    return Dataset.of_pairs(user, item.astype(np.int32).clip(0, 49_999), n_events // 10, 50_000)


def transition() -> Iterator[Ratio]:
    """Events a second, and the large shop in a minute."""
    rng = np.random.default_rng(0)
    for n_events, limit in zip(TRANSITION_EVENTS, (10.0, 60.0), strict=True):
        data = random_events(n_events)
        work = partial(Transition.fit, data, TransitionConfig(), rng)
        wall = in_turn({"ours": work})["ours"].wall if limit < 60 else once(work)[0]
        what = f"transition: times faster than {n_events / 1e6:.0f} million in {limit:.0f} s"
        yield Ratio(what, limit / wall, 1.0, f"{wall:.1f} s wall, {n_events / wall:,.0f} events/s")


def evaluation(data: Dataset, steps: ModuleType) -> Iterator[Ratio]:
    """Lists, metrics and report of one linear model."""
    split = leave_one_out(data)
    policy = SeenPolicy.fit(split.train, np.full(data.n_items, -1, np.int32), SeenConfig())
    yardstick = steps.Yardstick.of(split, data)
    model = steps.EASE.fit(split.train, steps.EASEConfig(), np.random.default_rng(0))

    def work() -> None:
        top = steps.lists_of(model, split, policy)
        one = steps.measure(yardstick, "ease", top, K, fit_seconds=0.0)
        says = "all seen are hidden"
        steps.summarise(yardstick, [one], fusion="ease", k=K, seed=0, repeat_policy=says)

    took = in_turn({"ours": work})["ours"]
    what = "evaluation of Beauty: times faster than 5 s"
    yield Ratio(what, 5 / took.wall, 1.0, f"{took.wall:.2f} s wall, {took.cpu:.2f} CPU s")


def lines(folder: Path) -> Iterator[Ratio]:
    """Everything, in turn."""
    beauty, movies = sequences(folder, "Beauty"), sequences(folder, "ml-1m")
    yield from als(leave_one_out(beauty, part="validation"), "Beauty", 128)
    dense = leave_one_out(movies, part="validation")
    yield from als(dense, "ml-1m", 64)
    yield from item_knn(dense, "ml-1m")
    yield from ease()
    yield from sequential(leave_one_out(beauty, part="validation").train)
    yield from transition()
    yield from evaluation(beauty, load(Path(__file__).with_name("evaluation_speed.py")))


def main(json_file: Path | None = None) -> None:
    """Prints the ratios, and writes them where asked."""
    data = os.environ.get("SHELFWISE_DATA")
    if not data:
        sys.exit("Set SHELFWISE_DATA to the folder of the public data sets.")
    machine = f"{platform.machine()}, {n_threads()} threads"
    print(f"{machine}, load average {os.getloadavg()[0]:.1f}\n{'':52}{'figure':>10}{'aim':>8}")
    found: list[dict[str, Any]] = []
    for line in lines(Path(data)):
        print(line, flush=True)
        found.append(asdict(line))
    load_after = os.getloadavg()[0]
    print(f"load average {load_after:.1f}")
    if json_file is not None:
        result = {"machine": machine, "load": load_after, "ratios": found}
        json_file.write_text(json.dumps(result, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
