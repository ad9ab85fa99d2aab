"""Health, readiness and metrics, for whoever keeps the server running."""

from __future__ import annotations

from shelfwise.serving.endpoint import Call
from shelfwise.serving.errors import NotReadyError
from shelfwise.serving.reply import Reply
from shelfwise.serving.service import Service
from shelfwise.serving.structs import HealthAnswer, ReadyAnswer


async def healthz(_service: Service, _call: Call) -> Reply:
    """Word that the process runs."""
    return Reply.json(HealthAnswer("ok"))


async def readyz(service: Service, _call: Call) -> Reply:
    """Word that questions can be answered and events stored."""
    ready, reason = service.live.ready()
    if not ready:
        raise NotReadyError(f"Not ready: {reason}.", remedy="Wait, or train the shop.")
    if service.follower.trouble:
        raise NotReadyError(service.follower.trouble, remedy="")
    return Reply.json(ReadyAnswer("ready", service.live.version, service.reload.trouble))


async def metrics(service: Service, _call: Call) -> Reply:
    """All counters."""
    return service.metrics.exposition(service.live.version, service.follower.offset)
