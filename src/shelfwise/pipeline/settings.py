"""Settings of the stages together; each stage's own settings stand beside it."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator

from shelfwise.core.settings import Settings
from shelfwise.pipeline.models import ModelsConfig
from shelfwise.ranking.fusion_config import FusionConfig
from shelfwise.ranking.objective import ObjectiveConfig
from shelfwise.rerank.seen import SeenConfig


class RecommendConfig(Settings):
    """How answers are made."""

    per_source: int = Field(default=100, ge=1, le=10_000)
    """Items each model proposes. More find a little more, and take longer."""
    diversity: float = Field(default=0.0, ge=0.0, le=1.0)
    """0 orders by relevance alone, 1 by variety of brand and category alone."""


class TrainConfig(Settings):
    """What is trained, and on which part of the data the fusion is learnt."""

    models: Literal["auto"] | tuple[str, ...] = "auto"
    """The models to train and fuse. auto: what the shop's size and shape and the budget below
    allow; `train` says what and why. two_tower among them needs the extra `deep`. Never chosen
    by itself, but there: sequential, for long histories and some minutes of training; coupled, for
    many new products; graph and bpr."""
    minutes: float = Field(default=30.0, gt=0)
    """Time that an automatic choice of models keeps within, reckoned for two processors. Named
    models are trained whatever it takes, with a warning."""
    memory_gb: float | None = Field(default=None, gt=0)
    """Memory that it keeps within, in 10^9 bytes; none: half of what the machine has."""
    event_weights: Literal["configured", "learnt"] = "configured"
    """What an event of each type counts, in models whose own `weights` are not set. configured: as
    each model's settings say; learnt: a purchase 1, a look the root of the share of such looks that
    end in a purchase in this shop; `train` reports them."""
    per_source: int = Field(default=60, ge=1)
    """Items each model proposes when the fusion is learnt."""
    learn_from: int = Field(default=6000, ge=100)
    """Requests with a hit that the fusion is learnt from at most; fewer are faster."""
    validation: Literal["auto", "temporal", "leave-one-out"] = "auto"
    """What is held back to learn the fusion: a last window of time, or each shopper's last item."""
    validation_share: float = Field(default=0.1, gt=0, lt=0.5)
    """Share of the latest events in a temporal validation window."""
    promote: Literal["auto", "always", "never"] = "auto"
    """Whether a new version answers: auto, unless it is surely worse than the current one on the
    same requests; always; never, it is only stored. The first one answers in any case."""
    seed: int = Field(default=0, ge=0)
    """Of everything drawn at random; the same seed gives the same answers."""

    @field_validator("models", mode="before")
    @classmethod
    def _auto_or_names(cls, given: object) -> object:
        """The one message for both of its kinds, which pydantic would tell apart by odd names."""
        names = list(given) if isinstance(given, list | tuple) else []
        if given == "auto" or (names and all(isinstance(name, str) for name in names)):
            return given
        raise ValueError('it is "auto" or a list of at least one name')


class PipelineConfig(Settings):
    """Everything between the stored tables and the answers."""

    models: ModelsConfig = ModelsConfig()
    fusion: FusionConfig = FusionConfig()
    seen: SeenConfig = SeenConfig()
    train: TrainConfig = TrainConfig()
    recommend: RecommendConfig = RecommendConfig()
    objective: ObjectiveConfig = ObjectiveConfig()
