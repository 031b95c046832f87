"""Orders wherever they are written now: a side that is not the writer says so, and the other is asked."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from typing import TypeVar
from uuid import UUID

from rest_api.errors import EdgeError, Moved, Unavailable
from rest_api.models import NewOrder, Order, OrderEvent, OrderPage
from rest_api.ports import Orders, Placed

from monolith.seams.placement import Choice

PAUSES = (0.0, 0.2, 0.5)  # before each change of sides: the first is the rule, more are a hand-over under way

Answer = TypeVar("Answer")


class WritableOrders:
    def __init__(self, choice: Choice[Orders]) -> None:
        self._choice = choice

    async def place(self, key: str, order: NewOrder) -> Placed:
        return await self._written(lambda side: side.place(key, order))

    async def place_many(self, orders: Sequence[tuple[str, NewOrder]]) -> Sequence[Placed | EdgeError]:
        return await self._written(lambda side: side.place_many(orders))

    async def _written(self, write: Callable[[Orders], Awaitable[Answer]]) -> Answer:
        side, other = self._choice.local, self._choice.remote
        if self._choice.is_remote:
            side, other = other, side
        for pause in PAUSES:
            try:
                return await write(side)
            except Moved:
                side, other = other, side
                await asyncio.sleep(pause)
        try:
            return await write(side)
        except Moved:
            raise Unavailable("orders are moving; please repeat the request with the same key") from None

    async def get(self, order_id: UUID) -> Order:
        return await self._choice().get(order_id)

    async def list(self, customer_id: str, page_size: int, page_token: str) -> OrderPage:
        return await self._choice().list(customer_id, page_size, page_token)

    def watch(self, order_id: UUID, after_sequence: int) -> AsyncGenerator[OrderEvent, None]:
        return self._choice().watch(order_id, after_sequence)
