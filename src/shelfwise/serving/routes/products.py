"""`/v1/products/{id}`: a change is on the disk before it is acknowledged, and counts at once."""

from __future__ import annotations

from dataclasses import asdict

from shelfwise.core.event import Product
from shelfwise.serving.endpoint import Call
from shelfwise.serving.errors import NotFoundError
from shelfwise.serving.ids import path_id
from shelfwise.serving.product_forms import product_from
from shelfwise.serving.reply import Reply
from shelfwise.serving.service import Service
from shelfwise.serving.structs import DeletedAnswer, ProductAnswer
from shelfwise.store.log_record import Deletion


async def get(service: Service, call: Call) -> Reply:
    """The product."""
    return Reply.json(_answer(_known(service, path_id(call.id, "item_id"))))


async def put(service: Service, call: Call) -> Reply:
    """The product as it was put."""
    item_id = path_id(call.id, "item_id")
    product = product_from(call.body, Product(item_id))
    async with service.changing:
        service.follower.catch_up()
        new = service.live.product(item_id) is None
        await service.store([product])
    return Reply.json(_answer(product), 201 if new else 200)


async def patch(service: Service, call: Call) -> Reply:
    """The product with the changes."""
    item_id = path_id(call.id, "item_id")
    async with service.changing:
        service.follower.catch_up()
        product = product_from(call.body, _known(service, item_id))
        await service.store([product])
    return Reply.json(_answer(product))


async def delete(service: Service, call: Call) -> Reply:
    """Word that the product is gone."""
    item_id = path_id(call.id, "item_id")
    async with service.changing:
        service.follower.catch_up()
        _known(service, item_id)
        await service.store([Deletion(item_id)])
    return Reply.json(DeletedAnswer(item_id, deleted=True))


def _known(service: Service, item_id: str) -> Product:
    product = service.live.product(item_id)
    if product is None:
        raise NotFoundError(
            f"There is no product '{item_id}'.",
            remedy="Check the id, or create the product with PUT.",
            field="item_id",
        )
    return product


def _answer(product: Product) -> ProductAnswer:
    return ProductAnswer(**asdict(product))
