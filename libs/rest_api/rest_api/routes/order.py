import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Query, Response
from fastapi.responses import StreamingResponse
from service_kit.context import concerns

from rest_api import figures
from rest_api.errors import EdgeError
from rest_api.models import (
    BulkRequest,
    BulkResponse,
    BulkResult,
    CustomerId,
    IdempotencyKey,
    NewOrder,
    Order,
    OrderEvent,
    OrderPage,
)
from rest_api.ports import Placed
from rest_api.problems import problem
from rest_api.routes.body import json_only
from rest_api.routes.paging import PageSize, PageToken
from rest_api.routes.ports import DEGRADED_HEADER, PortsOf, may_answer, tell

router = APIRouter(prefix="/api/orders", tags=["order"])

Key = Annotated[
    IdempotencyKey,
    Header(
        alias="Idempotency-Key",
        description="Chosen by the caller, unique per customer. The same key with the same order again "
        "answers the stored order and stores nothing; with another order it is a conflict",
    ),
]
LastEventId = Annotated[
    int, Header(alias="Last-Event-ID", ge=0, le=1_000_000, description="Resume behind this event")
]
HEARTBEAT = 15.0  # seconds; many balancers cut a connection on which nothing was sent for 60
COMMENT = b": still here\n\n"
RETRY = b"retry: 1000\n"  # milliseconds until a browser reconnects
LOCATION = {"Location": {"description": "Where the order is", "schema": {"type": "string"}}}


@router.post(
    "",
    status_code=201,
    dependencies=[Depends(json_only)],
    responses={
        200: {
            "model": Order,
            "description": "An earlier request with this key had stored it",
            "headers": LOCATION,
        },
        201: {"description": "Stored", "headers": LOCATION | DEGRADED_HEADER},
        **may_answer(409, 413, 415),
    },
)
async def place_order(ports: PortsOf, order: NewOrder, key: Key, response: Response) -> Order:
    """Store the order; a key that was used for the same content returns the stored order."""
    concerns(order.customer_id)
    placed = await ports.orders.place(key, order)
    figures.counted(placed)
    response.headers["location"] = f"/api/orders/{placed.order.id}"
    tell(response, placed.degraded)
    if placed.replayed:
        response.status_code = 200
    return placed.order


@router.post("/bulk", responses=may_answer(413, 415), dependencies=[Depends(json_only)])
async def place_orders(ports: PortsOf, bulk: BulkRequest) -> BulkResponse:
    """Each order succeeds or fails alone; repeating the whole request is safe."""
    answers = await ports.orders.place_many([(item.idempotency_key, item) for item in bulk.orders])
    for answer in answers:
        figures.counted(answer)
    return BulkResponse(
        results=tuple(
            _result(item.idempotency_key, answer) for item, answer in zip(bulk.orders, answers, strict=True)
        )
    )


def _result(key: str, answer: Placed | EdgeError) -> BulkResult:
    if isinstance(answer, EdgeError):
        return BulkResult(idempotency_key=key, problem=problem(answer))
    return BulkResult(idempotency_key=key, order=answer.order, degraded=answer.degraded)


@router.get("", responses=may_answer())
async def list_orders(
    ports: PortsOf,
    customer_id: Annotated[CustomerId | None, Query(description="None means everybody's")] = None,
    page_size: PageSize = 20,
    page_token: PageToken = "",
) -> OrderPage:
    """The newest first."""
    return await ports.orders.list(customer_id or "", page_size, page_token)


@router.get("/{order_id}", responses=may_answer(404))
async def get_order(ports: PortsOf, order_id: UUID) -> Order:
    """One order."""
    return await ports.orders.get(order_id)


@router.get(
    "/{order_id}/events",
    response_class=StreamingResponse,
    responses={
        200: {
            "description": "`id` is the sequence number, `event` is status, `data` an OrderEvent",
            "content": {"text/event-stream": {"schema": {"type": "string"}}},
        },
        204: {
            "description": "The order has no event behind Last-Event-ID and gets no more: do not reconnect"
        },
        **may_answer(404),
    },
)
async def watch_order(ports: PortsOf, order_id: UUID, last_event_id: LastEventId = 0) -> Response:
    """Server-sent events from the order's first until its last; Last-Event-ID resumes."""
    events = ports.orders.watch(order_id, last_event_id)
    first = await anext(events, None)  # an unknown order is a 404, not a broken stream
    if first is None:
        return Response(status_code=204)  # the one status after which an EventSource does not reconnect

    async def stream() -> AsyncIterator[bytes]:
        async with aclosing(events):
            yield RETRY + _sse(first)
            async for event in or_silence(events, HEARTBEAT):
                yield _sse(event) if event is not None else COMMENT

    return StreamingResponse(stream(), media_type="text/event-stream", headers={"cache-control": "no-store"})


async def or_silence(events: AsyncIterator[OrderEvent], seconds: float) -> AsyncIterator[OrderEvent | None]:
    """The events, and None whenever none has come for so long."""
    following = asyncio.ensure_future(anext(events, None))
    try:
        while True:
            done, _ = await asyncio.wait({following}, timeout=seconds)
            if not done:
                yield None
                continue
            if (event := following.result()) is None:
                return
            yield event
            following = asyncio.ensure_future(anext(events, None))
    finally:
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)


def _sse(event: OrderEvent) -> bytes:
    return f"id: {event.sequence}\nevent: status\ndata: {event.model_dump_json()}\n\n".encode()
