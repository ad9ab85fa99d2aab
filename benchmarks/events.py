"""Purchases asked for with and without the events before them: views, carts, saved products.

    SHELFWISE_DATA=/path/to/public/data shelfwise bench events [--json FILE]

Every request is for the purchases of a shopper that came later, or were held out. The product is
trained twice with its own defaults, once on all events and once on purchases alone, and asked the
same requests; the fusion is learnt on purchases held back from the training part, so no test
purchase plays a part in any choice. NDCG@10 over the whole catalogue; intervals are bootstrapped
over shoppers, who may be asked more than once. Something looked at or in the cart already may be
recommended, since its purchase counts.

- taobao: 815 shoppers of Taobao's UserBehavior, nine days. Three windows of a tenth of the events
  each, the last of the data; everything before a window is learnt from, the tenth before it is what
  the fusion is learnt on. What is hidden is what the product itself hides. Also told of requests
  whose purchases were of products the shopper had not met.
- retailrocket: RetailRocket as filtered by A. Fortes, each shopper and product once per type, no
  times and no order. One purchase a shopper is held out at random, and another to learn the fusion
  on; products are put in a random order per shopper, each one's events as view, cart, purchase.
  `as it is`: the views and carts of the held-out product are known, as they would be of a shopper
  about to buy, but some may have come after. `new products`: all events of the shopper about it
  are gone, so what is asked for is a product they never met; since few shoppers bought twice, the
  fusion is learnt there on one product a shopper bought or put in the cart, gone in the same way.
  What they bought is not shown again.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
from numpy.typing import NDArray

from shelfwise import Shop
from shelfwise.core.columns import EVENT_CODE
from shelfwise.core.dataset import Dataset
from shelfwise.core.ragged import Ragged
from shelfwise.core.requests import Histories
from shelfwise.evaluation.intervals import Interval, ratio_intervals
from shelfwise.evaluation.known import interest_mask
from shelfwise.evaluation.metrics import score_lists
from shelfwise.evaluation.splits import Split, fixed, rolling_origin
from shelfwise.pipeline.budget import planned
from shelfwise.pipeline.fit import Fitted, fit_models, latest_window, learn_fusion
from shelfwise.pipeline.progress import silent
from shelfwise.pipeline.recommend import part_size, recommend_top
from shelfwise.pipeline.retrieve import allowed_scores
from shelfwise.pipeline.settings import PipelineConfig
from shelfwise.rerank.seen import Seen
from shelfwise.retrieval.topk import top_k

K, WINDOWS = 10, 3
PURCHASE = EVENT_CODE["purchase"]
FUSION = "fusion"
RETAILROCKET = "retailrocket_filtered/RetailRocket_Ecommerce"


@dataclass(frozen=True)
class Trial:
    """One part to learn from, held-out purchases to learn the fusion on, and those to test on."""

    validation: Split
    test: Split
    seen: Seen


@dataclass(frozen=True)
class Found:
    """NDCG@10 of the same requests, by model."""

    users: NDArray[np.int32]
    unmet: NDArray[np.bool_]
    """Whether the shopper had met none of what the request asks for."""
    ndcg: dict[str, NDArray[np.float64]]

    @property
    def best_single(self) -> str:
        """The model that is best alone on these very requests, the hardest to beat."""
        alone = {name: values.mean() for name, values in self.ndcg.items() if name != FUSION}
        return max(alone, key=lambda name: float(alone[name]))


def taobao(folder: Path) -> list[Trial]:
    """The last windows of the data, each with the one before it to learn the fusion on."""
    with tempfile.TemporaryDirectory() as place:
        shop = Shop.create(Path(place) / "shop")
        shop.ingest(events=folder / "taobao_userbehavior/UserBehavior.csv.zst")
        data = shop.dataset()
    return [
        Trial(latest_window(test.train, 1 / 10), test, "auto")
        for test in rolling_origin(data, WINDOWS, 1 / 10)
    ]


def retailrocket(folder: Path, *, new_products: bool) -> list[Trial]:
    """A random purchase of every buyer, with or without what else they did with the product."""
    rng = np.random.default_rng(0)
    seen: Seen = "exclude" if new_products else "allow"
    shop = untimed_shop(folder / RETAILROCKET, rng)
    test = held_out(shop, rng, ("purchase",), new_products=new_products)
    wanted = ("add_to_cart", "purchase") if new_products else ("purchase",)
    validation = held_out(test.train, rng, wanted, new_products=new_products)
    return [Trial(validation, test, seen)]


def untimed_shop(folder: Path, rng: np.random.Generator) -> Dataset:
    """The three files as one shop, codes drawn anew; products of a shopper in random order."""
    files = {
        "view": "view_ecommerce.dat.zst",
        "add_to_cart": "add_to_cart_ecommerce.dat.zst",
        "purchase": "purchase_ecommerce.dat",
    }
    tables = {kind: _read(folder / name) for kind, name in files.items()}
    user, item = (_recoded(tables.values(), name, rng) for name in ("visitorid", "itemid"))
    kind = np.repeat([EVENT_CODE[name] for name in files], [len(t) for t in tables.values()])
    stage = np.repeat(np.arange(len(files)), [len(t) for t in tables.values()])
    n_users, n_items = int(user.max()) + 1, int(item.max()) + 1
    _, pair = np.unique(user.astype(np.int64) * n_items + item, return_inverse=True)
    order = np.lexsort((stage, rng.permutation(int(pair.max()) + 1)[pair], user))
    shop = Dataset.of_pairs(user[order], item[order], n_users, n_items)
    return shop.with_events(replace(shop.events, type=kind[order].astype(np.int8)))


def _read(path: Path) -> pa.Table:
    with pa.input_stream(str(path), compression="detect") as stream:
        return pa.csv.read_csv(stream, parse_options=pa.csv.ParseOptions(delimiter="\t"))


def _recoded(
    tables: Iterable[pa.Table], column: str, rng: np.random.Generator
) -> NDArray[np.int32]:
    values = np.concatenate([table.column(column).to_numpy() for table in tables])
    _, code = np.unique(values, return_inverse=True)
    return rng.permutation(int(code.max()) + 1)[code].astype(np.int32)


def held_out(
    shop: Dataset, rng: np.random.Generator, wanted: tuple[str, ...], *, new_products: bool
) -> Split:
    """One event of a `wanted` type of each shopper, drawn at random, to be found from the rest."""
    events = shop.events
    drawn = rng.permutation(np.flatnonzero(interest_mask(events, wanted)))
    _, first = np.unique(events.user[drawn], return_index=True)
    chosen = drawn[first]
    gone = np.zeros(len(events), np.bool_)
    gone[chosen] = True
    if new_products:
        key = events.user.astype(np.int64) * shop.n_items + events.item
        gone = np.isin(key, key[chosen])
    split = fixed(shop.with_events(events.take(~gone)), events.user[chosen], events.item[chosen])
    history = split.requests.history
    exclude = _kept(history, history.type == PURCHASE).items()
    return replace(split, requests=replace(split.requests, exclude=exclude))


def purchases_alone(split: Split) -> Split:
    """The same requests, of a shop that keeps nothing but its purchases."""
    events = split.train.events
    train = split.train.with_events(events.take(events.type == PURCHASE))
    history = split.requests.history
    bought = _kept(history, history.type == PURCHASE)
    return replace(split, train=train, requests=replace(split.requests, history=bought))


def _kept(history: Histories, where: NDArray[np.bool_]) -> Histories:
    running = np.append(0, np.cumsum(where)).astype(np.int64)
    return Histories(
        running[history.indptr], history.item[where], history.type[where], history.time_ms[where]
    )


def answered(trials: list[Trial], how: Callable[[Split], Split]) -> Found:
    """What the product with its defaults finds, trained on what `how` leaves of the data."""
    parts = [
        _answered_one(replace(t, validation=how(t.validation), test=how(t.test))) for t in trials
    ]
    every = [trial.test for trial in trials]
    unmet = [np.bincount(_row(one.relevant), one.seen_item) == 0 for one in every]
    names = set.intersection(*(set(part) for part in parts))
    return Found(
        np.concatenate([one.users for one in every]),
        np.concatenate(unmet),
        {
            name: np.concatenate([part[name] for part in parts])
            for name in parts[0]
            if name in names
        },
    )


def _row(relevant: Ragged) -> NDArray[np.int64]:
    return np.repeat(np.arange(len(relevant)), relevant.lengths())


def _answered_one(trial: Trial) -> dict[str, NDArray[np.float64]]:
    config, _ = planned(trial.test.train, PipelineConfig())
    early = fit_models(trial.validation.train, config, silent)
    ranker = learn_fusion(early, trial.validation, config, silent, seen=trial.seen)
    fitted = fit_models(trial.test.train, config, silent)
    engine = fitted.engine(ranker, config)
    top = {name: _lists(name, fitted, trial) for name in fitted.models}
    top[FUSION] = recommend_top(engine, trial.test.requests, K, seen=trial.seen)
    print(f"  {len(trial.test)} requests, fusion: {ranker.report.says}", flush=True)
    return {name: score_lists(lists, trial.test.relevant, K).ndcg for name, lists in top.items()}


def _lists(name: str, fitted: Fitted, trial: Trial) -> NDArray[np.int32]:
    """The lists of one model alone, under the same rule on what may be shown."""
    n_items = len(fitted.popular_first)
    size = part_size(1, n_items)
    parts = []
    for start in range(0, len(trial.test), size):
        asked = trial.test.requests.part(start, start + size)
        hidden = fitted.seen.hidden(asked.history, trial.seen)
        parts.append(top_k(allowed_scores(fitted.models[name], asked, hidden, n_items), K)[0])
    return np.concatenate(parts)


def mean_of(values: NDArray[np.float64], users: NDArray[np.int32]) -> Interval:
    """The mean over requests; whole shoppers are drawn, with all their requests."""
    _, shopper = np.unique(users, return_inverse=True)
    sums = np.bincount(shopper, values).astype(np.float64)
    counts = np.bincount(shopper).astype(np.float64)
    return ratio_intervals(sums[:, None], counts, seed=0)[0]


def compared(trials: list[Trial]) -> dict[str, Any]:
    """Prints and returns the figures of one shop."""
    start = time.process_time()
    every, bought = answered(trials, lambda split: split), answered(trials, purchases_alone)
    users, best = every.users, every.best_single
    alone = {name: mean_of(values, users) for name, values in every.ndcg.items()}
    for name in sorted(alone, key=lambda name: -alone[name].mean):
        print(f"  {name:12} {_shown(alone[name])}")
    fused = mean_of(every.ndcg[FUSION] - every.ndcg[best], users)
    print(f"  fusion over {best}, the best alone: {_signed(fused)}")
    gains: dict[str, Interval] = {}
    for name, where in {"all": np.ones(len(users), np.bool_), "unmet": every.unmet}.items():
        gap = every.ndcg[FUSION] - bought.ndcg[FUSION]
        gains[name] = mean_of(gap[where], users[where])
        means = f"{every.ndcg[FUSION][where].mean():.4f}, {bought.ndcg[FUSION][where].mean():.4f}"
        what = f"{int(where.sum())} requests" + (", nothing met before" if name == "unmet" else "")
        print(f"  with all events, with purchases alone ({what}): {means}: {_signed(gains[name])}")
    print(f"  {time.process_time() - start:.0f} processor seconds")
    told: Mapping[str, Interval] = {f"gain, {name}": gain for name, gain in gains.items()}
    return {
        "requests": len(users),
        "models": {name: asdict(one) for name, one in alone.items()},
        "fusion over best": {"best": best} | asdict(fused),
    } | {name: asdict(one) for name, one in told.items()}


def _shown(one: Interval) -> str:
    return f"{one.mean:.4f} ({one.low:.4f} to {one.high:.4f})"


def _signed(one: Interval) -> str:
    return f"{one.mean:+.4f} ({one.low:+.4f} to {one.high:+.4f})"


SHOPS: Mapping[str, Callable[[Path], list[Trial]]] = {
    "taobao": taobao,
    "retailrocket, as it is": lambda folder: retailrocket(folder, new_products=False),
    "retailrocket, new products": lambda folder: retailrocket(folder, new_products=True),
}


def main(json_file: Path | None = None, only: str | None = None) -> None:
    """Prints every shop's figures, and writes them where asked."""
    data = os.environ.get("SHELFWISE_DATA")
    if not data:
        sys.exit("Set SHELFWISE_DATA to the folder of the public data sets.")
    print(f"NDCG@{K} of purchases. Load average {os.getloadavg()[0]:.1f}")
    found = {}
    for name, trials in SHOPS.items():
        if only is None or name.startswith(only):
            print(name, flush=True)
            found[name] = compared(trials(Path(data)))
    if json_file is not None:
        json_file.write_text(json.dumps(found, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main(only=sys.argv[1] if len(sys.argv) > 1 else None)
