from collections.abc import AsyncGenerator, Sequence
from uuid import UUID

from rest_api.errors import EdgeError
from rest_api.models import NewOrder, Order, OrderEvent, OrderPage
from rest_api.ports import Orders, Placed

from monolith.seams.fence import write_at_the_writer
from monolith.seams.placement import LocalOrRemote


class SwitchableOrders(LocalOrRemote[Orders]):
    """The port of orders: reads follow the placement, writes follow the fence."""

    async def place(self, key: str, order: NewOrder) -> Placed:
        return await write_at_the_writer(self, lambda side: side.place(key, order))

    async def place_many(self, orders: Sequence[tuple[str, NewOrder]]) -> Sequence[Placed | EdgeError]:
        return await write_at_the_writer(self, lambda side: side.place_many(orders))

    async def get(self, order_id: UUID) -> Order:
        return await self().get(order_id)

    async def list(self, customer_id: str, page_size: int, page_token: str) -> OrderPage:
        return await self().list(customer_id, page_size, page_token)

    def watch(self, order_id: UUID, after_sequence: int) -> AsyncGenerator[OrderEvent, None]:
        return self().watch(order_id, after_sequence)
