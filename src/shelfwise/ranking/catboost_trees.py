"""CatBoost as a teacher: its oblivious trees on top of the linear ranker, kept as plain arrays.

Trained by CatBoost (Prokhorenkova et al., NeurIPS 2018; the extra `classics`), scored by
`ranking.trees`: what is stored and served needs no CatBoost and no pickle. The thinned rows' log
weight goes into the baseline: `QuerySoftMax` over `score + log_weight` is then the very loss of our
own trees, so that the two can be compared.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import Field

from shelfwise.core.extras import need
from shelfwise.core.settings import Settings
from shelfwise.core.threads import n_threads
from shelfwise.ranking.boosting import BoostedRanker
from shelfwise.ranking.judged import JudgedLists
from shelfwise.ranking.linear import LinearRanker
from shelfwise.ranking.trees import DEPTH, N_LEAVES, Forest, node_values


class CatBoostConfig(Settings):
    """How CatBoost grows its trees."""

    trees: int = Field(default=250, ge=1)
    """Trees at most."""
    depth: int = Field(default=5, ge=1, le=DEPTH)
    """Questions a tree asks."""
    learning_rate: float = Field(default=0.15, gt=0, le=1)
    """Share of each tree's step that is taken."""
    l2: float = Field(default=10.0, gt=0)
    """CatBoost's `l2_leaf_reg`."""
    feature_share: float = Field(default=0.5, gt=0, le=1)
    """CatBoost's `rsm`: share of the features each question may be about."""
    patience: int = Field(default=20, ge=1)
    """Trees without a lower held-out loss after which growing stops."""


def fit_catboost(
    lists: JudgedLists,
    linear: LinearRanker,
    config: CatBoostConfig,
    rng: np.random.Generator,
    stop: JudgedLists | None = None,
) -> BoostedRanker:
    """Trees on top of `linear`: all of `config.trees`, or the best number for `stop`.

    Raises `MissingExtraError` where CatBoost is not installed.
    """
    need("catboost", "classics", "The ranker 'catboost' is trained")
    import catboost  # noqa: PLC0415 - optional, and slow to import

    watched = stop is not None and len(stop) > 0
    model = catboost.CatBoost(
        {
            "loss_function": "QuerySoftMax",
            "iterations": config.trees,
            "depth": config.depth,
            "learning_rate": config.learning_rate,
            "l2_leaf_reg": config.l2,
            "rsm": config.feature_share,
            "random_seed": int(rng.integers(0, 2**31)),
            "thread_count": n_threads(),
            "allow_writing_files": False,
            "verbose": False,
            "use_best_model": watched,
            **({"od_type": "Iter", "od_wait": config.patience} if watched else {}),
        }
    )
    model.fit(
        _pool(catboost, lists, linear),
        eval_set=_pool(catboost, stop, linear) if stop is not None and watched else None,
    )
    return BoostedRanker(linear, _forest(model))


def _pool(catboost: Any, lists: JudgedLists, linear: LinearRanker) -> Any:
    used = lists.take(lists.found())
    return catboost.Pool(
        used.features,
        label=used.relevance,
        group_id=np.repeat(np.arange(len(used)), np.diff(used.indptr)),
        baseline=linear.score(used.features) + used.log_weight,
    )


def _forest(model: Any) -> Forest:
    """The trees as arrays; a NaN exceeds no border in CatBoost either."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.json"
        model.save_model(str(path), format="json")
        trees = json.loads(path.read_text(encoding="utf-8"))["oblivious_trees"]
    grown = [tree for tree in trees if tree["splits"]]
    if not grown:
        return Forest.empty()
    feature = np.zeros((len(grown), DEPTH), np.int32)
    threshold = np.full((len(grown), DEPTH), np.inf, np.float32)
    value = []
    for t, tree in enumerate(grown):
        for level, split in enumerate(tree["splits"]):
            feature[t, level] = split["float_feature_index"]
            threshold[t, level] = split["border"]
        value.append(node_values(_wide(tree["leaf_values"]), _wide(tree["leaf_weights"])))
    return Forest(feature, threshold, np.stack(value))


def _wide(leaves: list[float]) -> np.ndarray[Any, np.dtype[np.float64]]:
    """[64] the leaves of a tree that may be less deep."""
    out = np.zeros(N_LEAVES)
    out[: len(leaves)] = leaves
    return out
