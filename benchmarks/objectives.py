"""What another aim than relevance brings, and what it costs, on purchases nobody had learnt from.

    [SHELFWISE_DATA=/path/to/public/data] shelfwise bench objectives [--json FILE]

The simulated demo shop and, where the data are, UCI Online Retail; product defaults. Everything
(models, fusion, probabilities) is learnt from the past of a cut before the last tenth of events;
then each shopper who bought something after it is asked for ten products under each aim. Seen
products are hidden as learnt. Figures per answer, with the relative change against relevance:

- NDCG@10 and revenue@10: of what was in fact bought after the cut, at the catalogue's price;
- promised: sum of p_purchase times price, the shop's own expectation;
- simulator (demo only): what one errand brings when the list is read from the top. The shopper
  wants a shelf by his taste, looks at a place with its chance, and likes and buys by the rules of
  the simulator; experience, seasons and repeated purchase are left out.

The interval is a paired bootstrap over shoppers of the change of revenue@10.
"""

from __future__ import annotations

import json
import os
import tempfile
from dataclasses import asdict, dataclass, replace
from datetime import date
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from shelfwise import Shop
from shelfwise.core.dataset import Dataset
from shelfwise.core.requests import Requests
from shelfwise.evaluation.intervals import difference
from shelfwise.evaluation.metrics import score_lists
from shelfwise.evaluation.splits import Split, temporal_at, temporal_cuts
from shelfwise.ingest.demo_shop import DemoConfig, DemoShop, DemoTruth, simulate
from shelfwise.pipeline.engine import Engine
from shelfwise.pipeline.progress import silent
from shelfwise.pipeline.recommend import Ranked, recommend
from shelfwise.pipeline.settings import PipelineConfig
from shelfwise.pipeline.train import train
from shelfwise.ranking.objective import Aim, ObjectiveConfig

K = 10
AIMS = {
    "relevance": Aim(),
    "conversion": Aim(goal="conversion"),
    "mix .7/.3": Aim(goal="mix", mix={"relevance": 0.7, "revenue": 0.3}),
    "mix .4/.6": Aim(goal="mix", mix={"relevance": 0.4, "revenue": 0.6}),
    "revenue": Aim(goal="revenue"),
}


@dataclass(frozen=True)
class Figures:
    """One aim on one shop, per answer."""

    ndcg: float
    revenue: float
    revenue_change_ci95: tuple[float, float]
    promised: float
    simulator: float | None


def main(json_file: Path | None = None) -> None:
    """Prints a table per shop."""
    found = {}
    for name, (data, truth) in _shops().items():
        config = PipelineConfig()
        cut = temporal_cuts(data, 0.1, 0.1)[1]
        trained = train(data.before(cut), config, silent)
        engine = trained.fitted.engine(trained.ranker, config, trained.outlook)
        test = temporal_at(data, cut, target_types=("purchase",), n=K)
        print(f"\n{name}: {len(test):,} shoppers, served by {trained.ranker.kind}")
        for outcome, report in trained.outlook.reports.items():
            print(
                f"  p({outcome}): {report.promised:.2%} promised, {report.rate:.2%} happened,"
                f" calibration error {report.calibration_error:.2%}"
                f" (softmax share {report.uncalibrated_error:.2%})"
            )
        found[name] = _compare(engine, test, data, truth)
    if json_file is not None:
        plain = {name: {aim: asdict(one) for aim, one in of.items()} for name, of in found.items()}
        json_file.write_text(json.dumps(plain, indent=1))


def _shops() -> dict[str, tuple[Dataset, DemoTruth | None]]:
    demo = simulate(DemoConfig(start=date(2025, 1, 1)), 0)
    shops: dict[str, tuple[Dataset, DemoTruth | None]] = {"demo": (_demo_data(demo), demo.truth)}
    folder = os.environ.get("SHELFWISE_DATA")
    if folder:
        file = Path(folder) / "uci_online_retail/online_retail.csv.zst"
        with tempfile.TemporaryDirectory() as root:
            shop = Shop.create(Path(root) / "shop")
            shop.ingest(events=file, format="online-retail")
            shops["UCI Online Retail"] = (shop.dataset(), None)
    return shops


def _demo_data(demo: DemoShop) -> Dataset:
    with tempfile.TemporaryDirectory() as root:
        shop = Shop.create(Path(root) / "shop")
        files = demo.write_csv(Path(root) / "export")
        shop.ingest(events=files.events, products=files.products, reviews=files.reviews)
        return shop.dataset()


def _compare(
    engine: Engine, test: Split, data: Dataset, truth: DemoTruth | None
) -> dict[str, Figures]:
    out: dict[str, Figures] = {}
    usual = np.zeros(len(test))
    for name, aim in AIMS.items():
        aimed = replace(engine, objective=ObjectiveConfig(**aim.model_dump()))
        top, promised = _answers(aimed, test.requests)
        money = _revenue(top, test, engine.worth.price)
        usual = money if not out else usual
        gap = difference(money, usual, seed=0)
        out[name] = Figures(
            ndcg=score_lists(top, test.relevant, K).means()["ndcg"],
            revenue=float(money.mean()),
            revenue_change_ci95=(gap.low, gap.high),
            promised=promised,
            simulator=None if truth is None else _simulated(top, test, data, truth),
        )
    base = next(iter(out.values()))
    print(f"  {'aim':12}{'NDCG@10':>16}{'revenue@10':>28}{'promised':>18}{'simulator':>18}")
    for name, one in out.items():
        low, high = one.revenue_change_ci95
        print(
            f"  {name:12}{one.ndcg:8.4f} {one.ndcg / base.ndcg - 1:+7.1%}"
            f"{one.revenue:9.2f} ({low:+7.2f} … {high:+6.2f})"
            f"{one.promised:10.2f} {one.promised / base.promised - 1:+7.1%}"
            + (
                f"{one.simulator:10.3f} {one.simulator / base.simulator - 1:+7.1%}"
                if one.simulator is not None and base.simulator
                else ""
            )
        )
    return out


def _answers(engine: Engine, requests: Requests) -> tuple[NDArray[np.int32], float]:
    """[n_requests, K] items, and the mean revenue that the probabilities promise."""
    parts: list[Ranked] = [
        recommend(engine, requests.part(at, at + 256)) for at in range(0, len(requests), 256)
    ]
    total = sum(
        float(np.nansum(part.chances["purchase"] * engine.worth.price[part.item]))
        for part in parts
        if "purchase" in part.chances
    )
    return np.concatenate([part.top(K) for part in parts]), total / len(requests)


def _revenue(
    top: NDArray[np.int32], test: Split, price: NDArray[np.float64]
) -> NDArray[np.float64]:
    """[n_requests] price of the products shown that were then bought."""
    return np.array(
        [
            np.nansum(price[np.intersect1d(shown, test.relevant[row])])
            for row, shown in enumerate(top)
        ]
    )


def _simulated(top: NDArray[np.int32], test: Split, data: Dataset, truth: DemoTruth) -> float:
    """Mean revenue of one errand by the rules of the simulator."""
    world = truth.world
    item_of = {item_id: at for at, item_id in enumerate(truth.item_ids)}
    user_of = {user_id: at for at, user_id in enumerate(truth.user_ids)}
    item = np.array([item_of[item_id] for item_id in data.items.ids])[top]
    user = np.array([user_of.get(data.users.ids[code], -1) for code in test.users])
    person = np.maximum(user, 0)[:, None]
    liking = truth.utility[person, item]
    seen = 1.0 / (1.0 + 0.3 * np.arange(K))
    looked = seen / (1.0 + np.exp(-(1.1 * liking - 0.1)))
    bought = 0.62 / (1.0 + np.exp(-(1.2 * liking - 2.0)))
    wanted = world.taste[person, world.shelf[item]]
    value = (wanted * looked * bought * world.price[item]).sum(axis=1)
    return float(value[user >= 0].mean())


if __name__ == "__main__":
    main()
