"""A small simulated shop, ingested and trained once."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from shelfwise import Shop
from shelfwise.ingest.demo_shop import DemoConfig, DemoShop, simulate

FAST = (
    "fusion.boosting.trees=20",
    "models.als.iterations=4",
    "fusion.forest.trees=10",
)


@pytest.fixture(scope="session")
def demo() -> DemoShop:
    """What the simulator knows."""
    config = DemoConfig(shoppers=260, products=180, days=120, start=date(2025, 1, 1))
    return simulate(config, seed=3)


@pytest.fixture(scope="session")
def trained(demo: DemoShop, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the shop, trained; tests that change it copy it first."""
    root = tmp_path_factory.mktemp("demo") / "shop"
    shop = Shop.create(root)
    files = demo.write_csv(root / "export")
    shop.ingest(events=files.events, products=files.products, reviews=files.reviews)
    Shop.open(root, FAST).train()
    return root


@pytest.fixture
def shop(trained: Path) -> Shop:
    """The trained shop, opened anew; the folder must not be changed."""
    return Shop.open(trained, FAST)
