"""`POST /v1/events`: what shoppers did, acknowledged once it is on the disk."""

from __future__ import annotations

from shelfwise.serving.endpoint import Call
from shelfwise.serving.event_forms import parse_events
from shelfwise.serving.reply import Reply
from shelfwise.serving.service import Service
from shelfwise.serving.structs import EventsAnswer


async def post(service: Service, call: Call) -> Reply:
    """How many events were stored, and which were not; a single bad event is an error."""
    parsed = parse_events(call.body, service.now_ms())
    duplicates = 0
    if parsed.events:
        duplicates = (await service.store(parsed.events, parsed.keys)).duplicates
    service.metrics.events(parsed.accepted, len(parsed.rejected), duplicates)
    return Reply.json(EventsAnswer(parsed.accepted, parsed.rejected), 202)
