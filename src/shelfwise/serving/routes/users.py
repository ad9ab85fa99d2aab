"""`/v1/users/{id}`: what is held about a person, and its erasure."""

from __future__ import annotations

from shelfwise.serving.endpoint import Call
from shelfwise.serving.errors import NotFoundError
from shelfwise.serving.ids import path_id
from shelfwise.serving.reply import Reply
from shelfwise.serving.service import Service
from shelfwise.serving.structs import ErasedAnswer
from shelfwise.store.log_record import Erasure


async def get(service: Service, call: Call) -> Reply:
    """Everything held about the user."""
    user_id = path_id(call.id, "user_id")
    held = service.live.user(user_id)
    if held is None:
        raise NotFoundError(
            f"Nothing is held about the user '{user_id}'.", remedy="Check the id.", field="user_id"
        )
    return Reply.json(held)


async def delete(service: Service, call: Call) -> Reply:
    """Word that nothing is held any more; no error when nothing was."""
    user_id = path_id(call.id, "user_id")
    await service.store([Erasure(user_id)])
    return Reply.json(ErasedAnswer(user_id, erased=True))
