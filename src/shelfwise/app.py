"""Typed settings, and the one place that builds a shop's system from them.

A shop is a folder: `shop.toml`, `data/` (tables), `log/` (online events), `models/`, `reports/`.
"""

from __future__ import annotations

import difflib
import os
import time
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Self

import msgspec
import pydantic
import tomlkit

from shelfwise.core.dataset import Dataset
from shelfwise.core.errors import (
    BadInputError,
    ConfigError,
    ShopNotFoundError,
)
from shelfwise.core.event import Event
from shelfwise.core.question import Question
from shelfwise.core.settings import Settings
from shelfwise.core.slate import Slate
from shelfwise.evaluation.report import EvaluationReport
from shelfwise.feedback import Funnel, funnel
from shelfwise.pipeline.budget import Plan
from shelfwise.pipeline.evaluate import evaluate
from shelfwise.pipeline.ingest import ingest
from shelfwise.pipeline.ingest_report import IngestReport
from shelfwise.pipeline.live import LiveShop
from shelfwise.pipeline.load import load_live
from shelfwise.pipeline.progress import Progress, silent
from shelfwise.pipeline.settings import PipelineConfig
from shelfwise.pipeline.train import Published, shop_dataset, train_shop
from shelfwise.pipeline.tune import Tuned, tune, tuning_folds
from shelfwise.pipeline.versions import Comparison, asked_both, compare
from shelfwise.rerank.seen import Seen
from shelfwise.store.bundles import open_bundle, promotion
from shelfwise.store.event_log import EventLog
from shelfwise.store.files import publish_bytes, publish_json
from shelfwise.store.tables import ShopTables

CONFIG_FILE = "shop.toml"
ENVIRONMENT_PREFIX = "SHELFWISE_"


class ServeConfig(Settings):
    """Where and how the HTTP server listens."""

    host: str = "127.0.0.1"
    """Address to listen on; anything but loopback lets other machines in."""
    port: int = pydantic.Field(default=8000, ge=0, le=65535)
    """Port to listen on; 0 takes any free one."""
    workers: int = pydantic.Field(default=1, ge=1, le=64)
    """Processes that answer; each holds the models, whose files they share."""


class AppConfig(PipelineConfig):
    """All settings of a shop: what `shop.toml` may hold."""

    serve: ServeConfig = ServeConfig()


NEW_SHOP_TOML = """\
# Settings of this shop. All have sensible defaults: an empty file is fine.
# Every setting is described in docs/settings.md, for example:
#
# [recommend]
# diversity = 0.1      # 0 orders by relevance alone, 1 by variety alone
#
# [serve]
# port = 8000
"""


def load_config(
    file: Path | None, environment: Mapping[str, str], overrides: Sequence[str] = ()
) -> AppConfig:
    """The settings: the file, then `SHELFWISE_SECTION__KEY` variables, then `section.key=value`.

    Raises `ConfigError` naming the key, with the likely meant one where it is misspelt.
    """
    values: dict[str, Any] = {}
    if file is not None and file.is_file():
        try:
            values = tomllib.loads(file.read_text(encoding="utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise ConfigError(f"{file} is not valid TOML: {error}.", remedy="Correct it.") from None
    for name, text in environment.items():
        if name.startswith(ENVIRONMENT_PREFIX) and "__" in name:
            path = name.removeprefix(ENVIRONMENT_PREFIX).lower().split("__")
            _set(values, path, _parsed(text), name)
    for override in overrides:
        key, equals, text = override.partition("=")
        if not equals:
            raise ConfigError(
                f"'--set {override}' has no value.", remedy="Write --set section.key=value."
            )
        _set(values, key.strip().split("."), _parsed(text.strip()), f"--set {key}")
    try:
        return AppConfig.model_validate(values)
    except pydantic.ValidationError as error:
        raise _config_error(error) from None


def with_model_settings(
    text: str,
    changed: Mapping[str, Mapping[str, float]],
    evidence: Mapping[str, str] | None = None,
) -> str:
    r"""The TOML `text` with these settings of models set; the rest, comments too, as it is.

    `evidence` says of a model in a comment beside its first setting why it was changed.

    >>> with_model_settings("# mine\n", {"ease": {"reg": 250.0}})
    '# mine\n\n[models.ease]\nreg = 250.0\n'
    """
    document = tomlkit.parse(text)
    if "models" not in document:
        document["models"] = tomlkit.table(is_super_table=True)
    models: Any = document["models"]
    for model, settings in changed.items():
        if model not in models:
            models[model] = tomlkit.table()
        for key, value in settings.items():
            models[model][key] = value
        if evidence is not None and settings:
            models[model][next(iter(settings))].comment(evidence[model])
    return tomlkit.dumps(document)


def _set(values: dict[str, Any], path: list[str], value: Any, source: str) -> None:
    at = values
    for part in path[:-1]:
        at = at.setdefault(part, {})
        if not isinstance(at, dict):
            raise ConfigError(
                f"{source}: '{part}' is a value, not a section.", remedy="Use section.key."
            )
    at[path[-1]] = value


def _parsed(text: str) -> Any:
    """The text as a TOML value, or as it is."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def _config_error(error: pydantic.ValidationError) -> ConfigError:
    first = error.errors()[0]
    path = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        known = _known_keys(AppConfig, [str(part) for part in first["loc"][:-1]])
        close = difflib.get_close_matches(str(first["loc"][-1]), known, 1)
        remedy = f"Did you mean '{close[0]}'?" if close else f"Known here: {', '.join(known)}."
        return ConfigError(f"There is no setting '{path}'.", remedy=remedy, field=path)
    value = repr(first["input"])
    return ConfigError(
        f"Setting '{path}' cannot be {value[:60]}: {first['msg']}.",
        remedy="Correct it in shop.toml, the environment or --set.",
        field=path,
    )


def _known_keys(model: type[pydantic.BaseModel], path: Sequence[str]) -> list[str]:
    for part in path:
        field = model.model_fields.get(part)
        if field is None or not isinstance(field.annotation, type):
            return []
        model = field.annotation
    return list(model.model_fields)


@dataclass(frozen=True)
class Evaluated:
    """What `Shop.evaluate` found."""

    report: EvaluationReport
    html: Path
    """Where the report with plots was written."""
    plan: Plan
    """Which models were compared, and why these."""


class Shop:
    """A shop's folder and everything that can be done with it."""

    def __init__(self, root: Path, config: AppConfig) -> None:
        self.root = root
        self.config = config
        self.tables = ShopTables(root / "data")
        self._live: LiveShop | None = None

    @classmethod
    def create(cls, root: str | Path) -> Self:
        """A new shop in the folder `root`; one that is already there is opened as it is."""
        root = Path(root)
        if root.exists() and not root.is_dir():
            raise BadInputError(f"'{root}' is a file.", remedy="Name a folder for the shop.")
        if root.is_dir() and not (root / CONFIG_FILE).exists() and any(root.iterdir()):
            raise BadInputError(
                f"'{root}' holds other files and is not a shop.",
                remedy="Name a new or empty folder.",
            )
        try:
            for part in ("data", "log", "models", "reports"):
                (root / part).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise BadInputError(
                f"'{root}' cannot be made: {error.strerror}.",
                remedy="Choose a folder you may write to.",
            ) from None
        if not (root / CONFIG_FILE).exists():
            publish_bytes(root / CONFIG_FILE, NEW_SHOP_TOML.encode())
        return cls.open(root)

    @classmethod
    def open(cls, root: str | Path, overrides: Sequence[str] = ()) -> Self:
        """The shop in the folder `root`; `overrides` are `section.key=value`."""
        root = Path(root)
        if not (root / CONFIG_FILE).is_file():
            what = "has no shop.toml" if root.is_dir() else "does not exist"
            raise ShopNotFoundError(f"'{root}' {what}.", remedy=f"Run: shelfwise init {root}")
        return cls(root, load_config(root / CONFIG_FILE, os.environ, overrides))

    def ingest(
        self,
        *,
        events: str | Path | Sequence[str | Path] = (),
        products: str | Path | Sequence[str | Path] = (),
        reviews: str | Path | Sequence[str | Path] = (),
        format: str = "auto",  # noqa: A002 - the word the command line and the docs use
        progress: Progress = silent,
    ) -> IngestReport:
        """Adds files to the shop's data; see `reports/ingest.json`."""
        return ingest(
            self.root,
            events=_paths(events),
            products=_paths(products),
            reviews=_paths(reviews),
            format=format,
            now_ms=_now_ms(),
            progress=progress,
        )

    def dataset(self) -> Dataset:
        """Everything models may learn from, what the server logged included."""
        with self.log() as log:
            return shop_dataset(self.tables, log, log.last_offset(), seed=self.config.train.seed)

    def train(self, *, until_ms: int | None = None, progress: Progress = silent) -> Published:
        """Trains everything; the new version answers from now on unless it is worse."""
        with self.log() as log:
            published = train_shop(
                self.root / "models",
                self.tables,
                log,
                self.config,
                progress,
                now_ms=_now_ms(),
                until_ms=until_ms,
            )
        self._live = None
        return published

    def evaluate(
        self,
        protocol: Literal["temporal", "leave-one-out"],
        *,
        models: Sequence[str] | None = None,
        k: int = 10,
        train_on_validation: bool = True,
        progress: Progress = silent,
    ) -> Evaluated:
        """An honest test on the shop's own past; writes `reports/evaluation-PROTOCOL.html`."""
        config: PipelineConfig = self.config
        if models:
            config = config.model_copy(
                update={"train": config.train.model_copy(update={"models": tuple(models)})}
            )
            PipelineConfig.model_validate(config.model_dump())
        data = self.dataset()
        outcome = evaluate(
            data, protocol, config, progress, k=k, train_on_validation=train_on_validation
        )
        from shelfwise.evaluation.page import report_page  # noqa: PLC0415 - charts load slowly

        path = self.root / "reports" / f"evaluation-{protocol}.html"
        publish_bytes(path, report_page(outcome.report).encode())
        return Evaluated(outcome.report, path, outcome.plan)

    def compare(self, before: str, after: str) -> Comparison:
        """How one model version differs from another, on the same requests where there are any."""
        with self.log() as log:
            root, data, config = self.root / "models", self.dataset(), self.config
            return compare(
                root, before, after, lambda *both: asked_both(root, log, data, config, *both)
            )

    def tune(self, minutes: float, progress: Progress = silent) -> list[Tuned]:
        """Better settings found on the validation part within `minutes`, put into `shop.toml`.

        What was tried is kept in `reports/tune/`, so a search that was stopped goes on; the
        evidence is in `reports/tune.json`.
        """
        reports = self.root / "reports"
        tuned = tune(
            tuning_folds(self.dataset(), self.config),
            self.config,
            minutes,
            progress,
            journal=reports / "tune" / "tries.log",
        )
        publish_json(reports / "tune.json", [msgspec.to_builtins(one) for one in tuned])
        changed = {one.model: one.settings for one in tuned if one.settings}
        if changed:
            path = self.root / CONFIG_FILE
            evidence = {one.model: one.says() for one in tuned}
            text = with_model_settings(path.read_text(encoding="utf-8"), changed, evidence)
            publish_bytes(path, text.encode())
            self.config = load_config(path, os.environ)
        return tuned

    def recommend(self, question: Question | None = None, **asked: Any) -> Slate:
        """The answer to one question, given whole or as its fields: `recommend(user_id="u")`."""
        return self.live().recommend(question or Question(**asked), _now_ms())

    def recommend_many(
        self,
        users: Sequence[str],
        *,
        n: int = 10,
        seen: Seen = "auto",
        filter: dict[str, Any] | None = None,  # noqa: A002 - as in the HTTP API
    ) -> list[Slate]:
        """The answer for each of many shoppers, in one batch and without reasons."""
        questions = [
            Question(user_id=user, n=n, seen=seen, filter=filter, explain=False) for user in users
        ]
        return self.live().recommend_many(questions, _now_ms())

    def funnel(self) -> Funnel:
        """What the recommendations served so far brought, from the online log."""
        with self.log() as log:
            return funnel(
                record.content
                for records in log.tail(0)
                for record in records
                if isinstance(record.content, Event)
            )

    def about(self, version: str | None = None) -> dict[str, Any]:
        """What is stored about a model version (the current one if not named)."""
        about: dict[str, Any] = open_bundle(self.root / "models", version).json("about")
        return about

    def live(self) -> LiveShop:
        """The shop as it answers now: the current model, and everything logged since."""
        if self._live is None:
            with self.log() as log:
                self._live = load_live(open_bundle(self.root / "models"), log, self.config)
        return self._live

    def opened(self, version: str) -> LiveShop:
        """The shop as that version answers, and everything logged since."""
        with self.log() as log:
            return load_live(open_bundle(self.root / "models", version), log, self.config)

    def promoted(self) -> tuple[str, int] | None:
        """The current version, and a mark that changes with every promotion; None: none yet."""
        return promotion(self.root / "models")

    def log(self) -> EventLog:
        """The online log; close it, or use it in a `with` block."""
        return EventLog(self.root / "log" / "events.sqlite")


def _paths(given: str | Path | Sequence[str | Path]) -> list[Path]:
    if isinstance(given, str | Path):
        return [Path(given)]
    return [Path(one) for one in given]


def _now_ms() -> int:
    return int(time.time() * 1000)
