"""Which models a shop is trained with: what its size and shape allow, and its budget affords.

One table of rules decides, `RULES`. A model that can add nothing to this shop is left out; then, as
long as the whole is too large or too slow, the model that costs most for what it is worth. Costs
are reckoned (`costs.py`), so the same data, settings and budget always give the same models.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from shelfwise.core.dataset import Dataset
from shelfwise.core.extras import installed, need
from shelfwise.pipeline.costs import COSTS, Cost, cost_of, data_bytes, fusion_cost
from shelfwise.pipeline.machine import memory_bytes
from shelfwise.pipeline.models import ModelsConfig
from shelfwise.pipeline.settings import PipelineConfig
from shelfwise.pipeline.shape import Shape
from shelfwise.retrieval import MODEL_NAMES, ON_REQUEST

FITS: Final = 2
"""Times that every model is fitted: once to learn the fusion on what came after, once on all."""
MEMORY_SHARE: Final = 0.5
"""Of the machine's memory that training may take where `train.memory_gb` is not given."""
FEW_REPEATS: Final = 0.001
"""Share of pairs that come again below which `repeat` is left out."""
EASE_UP_TO: Final = 5_000
"""Products up to which dense weights between all of them are worth their time beside `slim`."""
LONG_HISTORY: Final = 3.0
"""Distinct products of the average shopper from which reading them in order is worth a network."""
NEEDS: Final[Mapping[str, tuple[str, str]]] = {
    "two_tower": ("torch", "deep"),
    "sequential": ("torch", "deep"),
}
"""Models that need a library: it, and the extra that brings it."""


@dataclass(frozen=True)
class Rule:
    """When a model is worth training, and how much a fusion would lose without it."""

    worth: float
    """Against the other models: the least of cost for worth goes first where the budget is short.
    A judgement from the lifts that `explain-fusion` shows on shops of several kinds."""
    useless: Callable[[Shape, ModelsConfig], str]
    """Why it can add nothing to this shop; empty where it can."""


def _never(_: Shape, __: ModelsConfig) -> str:
    return ""


def _no_pairs(shape: Shape, _: ModelsConfig) -> str:
    return "" if shape.pairs > shape.shoppers else "no shopper met two products"


def _no_text(shape: Shape, _: ModelsConfig) -> str:
    return "" if shape.described else "nothing is written about the products"


def _untold_pairs(shape: Shape, config: ModelsConfig) -> str:
    return _no_pairs(shape, config) or _no_text(shape, config)


def _no_repeats(shape: Shape, _: ModelsConfig) -> str:
    few = shape.repeats < max(1, FEW_REPEATS * shape.pairs)
    return f"{shape.repeats:,} of {shape.pairs:,} choices came again" if few else ""


def _one_type(shape: Shape, _: ModelsConfig) -> str:
    return "" if shape.event_types > 1 else "all events are of one type"


def _large_ease(shape: Shape, config: ModelsConfig) -> str:
    if shape.shared <= EASE_UP_TO:
        return _no_pairs(shape, config)
    return (
        f"two shoppers met each of {shape.shared:,} products; above {EASE_UP_TO:,}"
        " slim says the same in a fraction of the time"
    )


def _short_histories(shape: Shape, _: ModelsConfig) -> str:
    if shape.mean_history >= LONG_HISTORY:
        return ""
    return f"a shopper met {shape.mean_history:.1f} products on average; it needs {LONG_HISTORY:g}"


RULES: Final[Mapping[str, Rule]] = {
    "popular": Rule(float("inf"), _never),
    "transition": Rule(10, _no_pairs),
    "two_tower": Rule(20, _untold_pairs),
    "item_knn": Rule(6, _no_pairs),
    "als": Rule(6, _no_pairs),
    "slim": Rule(6, _no_pairs),
    "graph": Rule(2, _no_pairs),
    "repeat": Rule(5, _no_repeats),
    "revisit": Rule(5, _one_type),
    "sequential": Rule(5, _short_histories),
    "content": Rule(4, _no_text),
    "two_hop": Rule(3, _no_pairs),
    "ease": Rule(3, _large_ease),
    "next_item": Rule(2, _no_pairs),
    "bpr": Rule(2, _no_pairs),
    "coupled": Rule(2, _no_pairs),
}
"""By model. A model of `ON_REQUEST` is left out whatever its rule says, until it is taken from
there; one without a rule is trained on request alone."""


@dataclass(frozen=True)
class Verdict:
    """Whether one model is trained, and why."""

    model: str
    seconds: float | None
    """Reckoned, of one fit; None where nothing is known of it."""
    gigabytes: float | None
    """Reckoned, at the peak of the fit, above the data."""
    trained: bool
    reason: str
    """Why not; of a model that is trained only where it was named."""


@dataclass(frozen=True)
class Plan:
    """What is trained, what is not, and the budget it was held against."""

    automatic: bool
    """False where `train.models` names the models."""
    verdicts: tuple[Verdict, ...]
    minutes: float
    """The budget."""
    memory_gb: float
    """The budget."""
    needs_minutes: float
    """Reckoned, of the whole training."""
    needs_gb: float
    """Reckoned, at its peak."""
    notices: tuple[str, ...]
    """What whoever trains should know: a budget that is exceeded, an extra that is missing."""

    @property
    def models(self) -> tuple[str, ...]:
        """The models to train, in order."""
        return tuple(one.model for one in self.verdicts if one.trained)

    def says(self) -> str:
        """The plan in a sentence."""
        how = "chosen by the shop's size and shape" if self.automatic else "as train.models says"
        return (
            f"{len(self.models)} models, {how}: reckoned at {_time(60 * self.needs_minutes)}"
            f" (of {self.minutes:g} min) and {self.needs_gb:.1f} GB (of {self.memory_gb:.3g})."
        )

    def to_dict(self) -> dict[str, Any]:
        """The plan as a bundle's account holds it."""
        return {**vars(self), "verdicts": [vars(one) for one in self.verdicts], "says": self.says()}


def planned(data: Dataset, config: PipelineConfig) -> tuple[PipelineConfig, Plan]:
    """The settings with the models for `data` spelt out, and why these.

    Raises `MissingExtraError` where `train.models` names a model whose library is missing.
    """
    found = plan(Shape.of(data), config)
    train = config.train.model_copy(update={"models": found.models})
    return config.model_copy(update={"train": train}), found


def models_for(data: Dataset, config: PipelineConfig) -> tuple[str, ...]:
    """The models to fit on `data`: those named, or those chosen."""
    named = config.train.models
    return plan(Shape.of(data), config).models if named == "auto" else named


def plan(shape: Shape, config: PipelineConfig) -> Plan:
    """What to train for a shop of this shape."""
    if config.train.models == "auto":
        return _automatic(shape, config)
    return _as_named(config.train.models, shape, config)


@dataclass(frozen=True)
class _Need:
    """What a choice of models needs, with the fusion."""

    seconds: float
    bytes: float

    @classmethod
    def of(cls, names: Iterable[str], shape: Shape, config: PipelineConfig) -> _Need:
        costs = [cost for name in names if (cost := _cost(name, shape, config)) is not None]
        fusion = fusion_cost(len(costs), shape, config)
        kept = sum(cost.kept_bytes for cost in costs)
        fitting = max((cost.peak_bytes - cost.kept_bytes for cost in costs), default=0.0)
        # the models of before validation are gone when the last ones are fitted
        peak = data_bytes(shape) + kept + max(fitting, fusion.peak_bytes)
        return cls(FITS * sum(cost.seconds for cost in costs) + fusion.seconds, peak)


def _as_named(names: tuple[str, ...], shape: Shape, config: PipelineConfig) -> Plan:
    for name in names:
        if name in NEEDS:
            need(*NEEDS[name], f"The model '{name}' is trained")
    reasons = dict.fromkeys(names, "named in train.models")
    return _plan(reasons, names, shape, config)


def _automatic(shape: Shape, config: PipelineConfig) -> Plan:
    left_out = {name: _unfit(name, shape, config) for name in MODEL_NAMES}
    chosen = [name for name, why in left_out.items() if not why]
    budget = _Need(60 * config.train.minutes, 1e9 * memory_gb(config))
    while len(chosen) > 1:
        wanted = _Need.of(chosen, shape, config)
        if wanted.bytes > budget.bytes:
            name = max(chosen, key=lambda one: _per_worth(one, "peak_bytes", shape, config))
            left_out[name] = _too_large(name, shape, config)
        elif wanted.seconds > budget.seconds:
            name = max(chosen, key=lambda one: _per_worth(one, "seconds", shape, config))
            left_out[name] = _too_slow(name, wanted, shape, config)
        else:
            break
        chosen.remove(name)
    return _plan(left_out, chosen, shape, config)


def _unfit(name: str, shape: Shape, config: PipelineConfig) -> str:
    """Why a model is not even considered; empty where it is."""
    rule = RULES.get(name)
    if rule is None or name in ON_REQUEST:
        return "only where train.models names it"
    if (why := rule.useless(shape, config.models)) or name not in NEEDS:
        return why
    library, extra = NEEDS[name]
    return "" if installed(library) else f"needs: pip install 'shelfwise[{extra}]'"


def _per_worth(
    name: str, what: Literal["seconds", "peak_bytes"], shape: Shape, config: PipelineConfig
) -> float:
    cost = _cost(name, shape, config)
    return 0.0 if cost is None else float(getattr(cost, what)) / RULES[name].worth


def _too_large(name: str, shape: Shape, config: PipelineConfig) -> str:
    cost = cost_of(name, shape, config.models)
    return (
        f"{_size(cost.peak_bytes)} for {shape.products:,} products and {shape.events:,} events;"
        f" memory_gb = {memory_gb(config):.3g}"
    )


def _too_slow(name: str, wanted: _Need, shape: Shape, config: PipelineConfig) -> str:
    cost = cost_of(name, shape, config.models)
    return (
        f"{_time(FITS * cost.seconds)} of {_time(wanted.seconds)}, more than the others for what"
        f" it is worth; minutes = {config.train.minutes:g}"
    )


def _plan(
    reasons: Mapping[str, str], chosen: Sequence[str], shape: Shape, config: PipelineConfig
) -> Plan:
    automatic = config.train.models == "auto"
    wanted = _Need.of(chosen, shape, config)
    return Plan(
        automatic=automatic,
        verdicts=tuple(
            _verdict(name, name in chosen, why, shape, config) for name, why in reasons.items()
        ),
        minutes=config.train.minutes,
        memory_gb=memory_gb(config),
        needs_minutes=wanted.seconds / 60,
        needs_gb=wanted.bytes / 1e9,
        notices=tuple(_notices(wanted, reasons, config)),
    )


def _verdict(
    name: str, trained: bool, reason: str, shape: Shape, config: PipelineConfig
) -> Verdict:
    cost = _cost(name, shape, config)
    return Verdict(
        name,
        None if cost is None else round(cost.seconds, 2),
        None if cost is None else round(cost.peak_bytes / 1e9, 3),
        trained,
        reason,
    )


def _notices(wanted: _Need, reasons: Mapping[str, str], config: PipelineConfig) -> Iterable[str]:
    if wanted.seconds > 60 * config.train.minutes:
        yield (
            f"Training may take {_time(wanted.seconds)}, more than train.minutes ="
            f" {config.train.minutes:g}."
        )
    if wanted.bytes > 1e9 * memory_gb(config):
        yield (
            f"Training may need {_size(wanted.bytes)}, more than train.memory_gb ="
            f" {memory_gb(config):.3g}."
        )
    for name, why in reasons.items():
        if why.startswith("needs: "):
            yield f"{name} would be trained, too, but {why}"


def memory_gb(config: PipelineConfig) -> float:
    """The memory that training may take."""
    given = config.train.memory_gb
    return round(MEMORY_SHARE * memory_bytes() / 1e9, 1) if given is None else given


def _cost(name: str, shape: Shape, config: PipelineConfig) -> Cost | None:
    return cost_of(name, shape, config.models) if name in COSTS else None


def _time(seconds: float) -> str:
    """A time as people say it.

    >>> _time(45), _time(400)
    ('45 s', '7 min')
    """
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"


def _size(n_bytes: float) -> str:
    """A size as people say it.

    >>> _size(2.5e8), _size(1.2e12)
    ('0.2 GB', '1.2 TB')
    """
    return f"{n_bytes / 1e9:.1f} GB" if n_bytes < 1e12 else f"{n_bytes / 1e12:.1f} TB"
