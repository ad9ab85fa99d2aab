"""Chances of a click, of a cart and of a purchase from one network whose body they share.

Purchases are rare, and only clicked products can be bought: trained on clicked rows alone, a model
of purchases would be wrong on all others. So all heads learn on every row, and a later head's
logit is a chance *given* the click (ESMM, Ma et al., SIGIR 2018): p(purchase) = p(click) ·
p(purchase | click). What many clicks teach the body, few purchases profit from.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from shelfwise.core.errors import BadInputError
from shelfwise.core.model import ModelState
from shelfwise.ranking.calibration import expected_calibration_error
from shelfwise.ranking.judged import JudgedLists
from shelfwise.ranking.network_layers import Layers
from shelfwise.ranking.network_lesson import (
    Epoch,
    Heads,
    Labelled,
    NetworkConfig,
    train_layers,
)

STEPS: Final = ("click", "cart", "purchase")
"""The heads there can be; `click` is any interest, and the others come after it."""
MIN_POSITIVES: Final = 30
"""Rows that must have come true for a head to be learnt."""


@dataclass(frozen=True)
class HeadQuality:
    """How good one head's chances are, on rows it did not learn from."""

    positives: int
    share: float
    """Of the rows that came true."""
    mean: float
    """Of the promised chances: calibrated in the large where it equals `share`."""
    bce: float
    """Binary cross-entropy."""
    bce_of_share: float
    """That of promising every row `share`: what must be beaten."""
    mse: float
    mae: float
    calibration_error: float
    """Mean gap between promised and true share over 15 bins of equally many rows."""
    auc: float
    """Chance that a row which came true is promised more than one which did not."""


@dataclass(frozen=True)
class FunnelNetwork:
    """One body, a head for each step of the funnel that the shop's events know."""

    names: tuple[str, ...]
    """The features it reads, in this order."""
    heads: tuple[str, ...]
    """Which of `STEPS`."""
    layers: Layers
    epochs: tuple[Epoch, ...]
    """Errors of each epoch; probabilities are those of the last head."""
    best_epoch: int

    @classmethod
    def fit(
        cls,
        features: NDArray[np.float32],
        names: Sequence[str],
        indptr: NDArray[np.int64],
        outcomes: Mapping[str, NDArray[np.bool_]],
        config: NetworkConfig,
        rng: np.random.Generator,
    ) -> FunnelNetwork:
        """The network of these requests; every fifth is held out to stop the training.

        `outcomes` has, for any of `STEPS`, [n_rows] whether the shopper did it. A row that was put
        in the cart or bought counts as clicked. Heads with few rows that came true are left out.
        """
        labels = _labels(outcomes, int(indptr[-1]))
        kept = [name for name in STEPS if labels[name].sum() >= MIN_POSITIVES]
        if not kept:
            raise BadInputError(
                f"Fewer than {MIN_POSITIVES} rows were clicked.",
                remedy="Learn from more requests.",
            )
        matrix = np.column_stack([labels[name] for name in kept]).astype(np.float32)
        lists = JudgedLists.of(features, tuple(names), indptr, matrix[:, 0])
        held = rng.permutation(len(lists)) % 5 == 0
        trained = train_layers(
            _part(lists, matrix, ~held),
            _part(lists, matrix, held),
            Heads((-1, *([0] * (len(kept) - 1)))),
            config.model_copy(update={"loss": "logistic"}),
            int(rng.integers(2**63)),
        )
        return cls(lists.names, tuple(kept), trained.layers, trained.epochs, trained.best)

    def probabilities(self, features: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
        """For each head [n_rows] its chance, whatever the batch; never above that of the click."""
        chance = 1 / (1 + np.exp(-self.layers.logits(features).astype(np.float64)))
        click = chance[:, 0]
        return {
            name: (click if at == 0 else click * chance[:, at]).astype(np.float32)
            for at, name in enumerate(self.heads)
        }

    def quality(
        self, features: NDArray[np.float32], outcomes: Mapping[str, NDArray[np.bool_]]
    ) -> dict[str, HeadQuality]:
        """How good each head is on these rows."""
        labels = _labels(outcomes, len(features))
        chances = self.probabilities(features)
        return {name: _quality(chances[name], labels[name]) for name in self.heads}

    def state(self) -> ModelState:
        """The network as plain data."""
        settings = {
            "names": list(self.names),
            "heads": list(self.heads),
            "epochs": msgspec.to_builtins(self.epochs),
            "best_epoch": self.best_epoch,
        }
        return ModelState(settings, self.layers.state().arrays)

    @classmethod
    def from_state(cls, state: ModelState) -> FunnelNetwork:
        """The network that `state` was taken from; its chances are identical."""
        settings = state.settings
        return cls(
            tuple(settings["names"]),
            tuple(settings["heads"]),
            Layers.from_state(state),
            msgspec.convert(settings["epochs"], tuple[Epoch, ...]),
            settings["best_epoch"],
        )


def _labels(outcomes: Mapping[str, NDArray[np.bool_]], n_rows: int) -> dict[str, NDArray[np.bool_]]:
    """Each step's outcome; none where it is not told."""
    unknown = set(outcomes) - set(STEPS)
    if unknown or any(len(one) != n_rows for one in outcomes.values()):
        raise BadInputError(
            f"Outcomes are told of {', '.join(sorted(outcomes))}"
            f" with {sorted({len(one) for one in outcomes.values()})} rows, of {n_rows}.",
            remedy=f"Tell one of every row, for any of {', '.join(STEPS)}.",
        )
    nothing = np.zeros(n_rows, np.bool_)
    labels = {name: np.asarray(outcomes.get(name, nothing), np.bool_) for name in STEPS}
    labels["click"] = labels["click"] | labels["cart"] | labels["purchase"]
    return labels


def _part(lists: JudgedLists, labels: NDArray[np.float32], requests: NDArray[np.bool_]) -> Labelled:
    own = lists.take(requests)
    rows = np.repeat(requests, np.diff(lists.indptr))
    return Labelled(own, labels[rows], np.zeros(len(own.relevance), np.float32))


def _quality(chance: NDArray[np.float32], label: NDArray[np.bool_]) -> HeadQuality:
    p = np.clip(chance.astype(np.float64), 1e-12, 1 - 1e-12)
    share = float(label.mean())
    even = np.clip(share, 1e-12, 1 - 1e-12)
    gap = label - p
    return HeadQuality(
        positives=int(label.sum()),
        share=share,
        mean=float(p.mean()),
        bce=float(-np.log(np.where(label, p, 1 - p)).mean()),
        bce_of_share=float(-(share * np.log(even) + (1 - share) * np.log(1 - even))),
        mse=float((gap**2).mean()),
        mae=float(np.abs(gap).mean()),
        calibration_error=expected_calibration_error(chance, label),
        auc=_auc(chance, label),
    )


def _auc(chance: NDArray[np.float32], label: NDArray[np.bool_]) -> float:
    """Area under the ROC curve by ranks (Mann and Whitney 1947), ties counting half.

    NaN without both kinds of rows.
    """
    yes = int(label.sum())
    no = len(label) - yes
    if yes == 0 or no == 0:
        return float("nan")
    ordered = np.sort(chance)
    below = np.searchsorted(ordered, chance[label], side="left")
    not_above = np.searchsorted(ordered, chance[label], side="right")
    rank = (below + not_above + 1) / 2
    return float((rank.sum() - yes * (yes + 1) / 2) / (yes * no))
