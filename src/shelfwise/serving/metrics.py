"""What the server counts, for Prometheus; one registry a process, none of it personal.

With several workers each keeps its numbers in files of the folder that `PROMETHEUS_MULTIPROC_DIR`
names, and a scrape of any worker shows the sum.
"""

from __future__ import annotations

import os

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
)
from prometheus_client.multiprocess import MultiProcessCollector

from shelfwise.serving.reply import Reply

FOLDER_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
_SECONDS = (0.001, 0.002, 0.004, 0.008, 0.015, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)


class Metrics:
    """The counters of one process."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "shelfwise_requests",
            "Requests answered",
            ["route", "method", "status"],
            registry=self._registry,
        )
        self._seconds = Histogram(
            "shelfwise_request_seconds",
            "Seconds from a request's first byte to its answer",
            ["route", "method"],
            buckets=_SECONDS,
            registry=self._registry,
        )
        self._events = Counter(
            "shelfwise_events", "Events received", ["outcome"], registry=self._registry
        )
        self._answers = Counter(
            "shelfwise_recommendations", "Recommendations given", ["kind"], registry=self._registry
        )
        self._model = Gauge(
            "shelfwise_model_info",
            "1 for the model version that answers",
            ["version"],
            registry=self._registry,
            multiprocess_mode="livemax",
        )
        self._offset = Gauge(
            "shelfwise_log_offset",
            "Greatest offset of the event log that was taken in",
            registry=self._registry,
            multiprocess_mode="livemin",
        )

    def request(self, route: str, method: str, status: int, seconds: float) -> None:
        """Counts one request."""
        self._requests.labels(route, method, str(status)).inc()
        self._seconds.labels(route, method).observe(seconds)

    def events(self, accepted: int, rejected: int, duplicates: int) -> None:
        """Counts the events of one request."""
        for outcome, number in (
            ("accepted", accepted - duplicates),
            ("rejected", rejected),
            ("duplicate", duplicates),
        ):
            if number > 0:
                self._events.labels(outcome).inc(number)

    def recommendation(self, *, fallback: bool) -> None:
        """Counts one answer, and whether anything was known to make it from."""
        self._answers.labels("fallback" if fallback else "personal").inc()

    def exposition(self, version: str, offset: int) -> Reply:
        """All numbers in Prometheus' text format."""
        self._model.clear()
        self._model.labels(version).set(1)
        self._offset.set(offset)
        shown = self._registry
        if FOLDER_VARIABLE in os.environ:
            shown = CollectorRegistry()
            MultiProcessCollector(shown)  # type: ignore[no-untyped-call]
        return Reply(200, generate_latest(shown), CONTENT_TYPE_LATEST)
