import hashlib
import json
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from rest_api import paging
from rest_api.errors import Conflict, EdgeError, Invalid, Missing
from rest_api.models import Basket, Degraded, NewOrder, Order, OrderEvent, OrderLine, OrderPage, Quote
from rest_api.ports import Placed, Pricing
from service_kit.context import current
from tracing import Traces
from uuid_utils.compat import uuid7

from monolith.order.storage import LAST, Draft, OrderStorage, Stored
from monolith.order.watch import Watches


@dataclass(frozen=True, slots=True)
class LocalOrders:
    """The port of orders, on the own database."""

    storage: OrderStorage
    watches: Watches
    pricing: Pricing
    traces: Traces

    async def place(self, key: str, order: NewOrder) -> Placed:
        """The stored order. Raises Conflict if the key was used for other content, and what pricing raises."""
        answer = (await self.place_many([(key, order)]))[0]
        if isinstance(answer, EdgeError):
            raise answer
        return answer

    async def place_many(self, orders: Sequence[tuple[str, NewOrder]]) -> Sequence[Placed | EdgeError]:
        """Round by round: answer the keys that have an order, then store the first waiting order of each other key.

        A second round is for keys that came twice, here or from another caller who was faster.
        """
        answers: dict[int, Placed | EdgeError] = {}
        ids = [uuid7() for _ in orders]
        while len(answers) < len(orders):
            waiting = {i: (o.customer_id, key) for i, (key, o) in enumerate(orders) if i not in answers}
            stored = await self.storage.by_keys(set(waiting.values()))
            turn: dict[tuple[str, str], int] = {}
            for i, key in waiting.items():
                if key in stored:
                    answers[i] = _replay(ids[i], orders[i][1], stored[key])
                else:
                    turn.setdefault(key, i)
            if turn:
                answers |= await self._price_and_store({i: (ids[i], *orders[i]) for i in turn.values()})
        return [answers[i] for i in range(len(orders))]

    async def _price_and_store(
        self, orders: dict[int, tuple[UUID, str, NewOrder]]
    ) -> dict[int, Placed | EdgeError]:
        """Answers to what was stored or is invalid; an order whose key was taken meanwhile has none yet."""
        baskets = [Basket(currency=order.currency, lines=order.lines) for _, _, order in orders.values()]
        quotes = dict(zip(orders, await self.pricing.batch_quote(baskets), strict=True))
        answers: dict[int, Placed | EdgeError] = {}
        drafts: dict[int, Draft] = {}
        degraded: dict[int, Degraded | None] = {}
        for i, (order_id, key, order) in orders.items():
            quote = quotes[i]
            if isinstance(quote, EdgeError):
                answers[i] = quote
            else:
                drafts[i], degraded[i] = _draft(order_id, key, order, quote), quote.degraded
        stored = await self.storage.store(list(drafts.values())) if drafts else {}
        self.traces.remember(stored, current().headers)
        return answers | {
            i: Placed(stored[d.id], degraded=degraded[i]) for i, d in drafts.items() if d.id in stored
        }

    async def get(self, order_id: UUID) -> Order:
        """The order. Raises Missing if there is none of that id."""
        order = await self.storage.get(order_id)
        if order is None:
            raise Missing("order", str(order_id))
        return order

    async def list(self, customer_id: str, page_size: int, page_token: str) -> OrderPage:
        """A page of orders, the newest first; of all customers if the id is empty."""
        found = await self.storage.page(customer_id, _read_token(page_token), page_size + 1)
        page = tuple(found[:page_size])
        more = len(found) > page_size
        return OrderPage(orders=page, next_page_token=paging.token(str(page[-1].id)) if more else "")

    async def watch(self, order_id: UUID, after_sequence: int) -> AsyncGenerator[OrderEvent, None]:
        """Events of the order behind that sequence number, until the last."""
        async for event in self.watches.events(order_id, after_sequence):
            yield event


def _read_token(page_token: str) -> UUID:
    key = paging.last_key(page_token)
    try:
        return UUID(key) if key else LAST
    except ValueError:
        raise Invalid([("page_token", paging.FORM)]) from None


def content_hash(order: NewOrder) -> str:
    """The fingerprint of what an order asks for: an equal key must come with equal content."""
    lines = [[line.title_id, line.quantity] for line in order.lines]
    content = json.dumps([order.customer_id, order.currency, lines], separators=(",", ":"))
    return hashlib.sha256(content.encode()).hexdigest()


def _replay(order_id: UUID, order: NewOrder, stored: Stored) -> Placed | EdgeError:
    """The answer for a key that has an order. One with our own id is no replay: storing it seemed to have failed."""
    if stored.content_hash != content_hash(order):
        return Conflict(stored.key)
    return Placed(stored.order, replayed=stored.order.id != order_id)


def _draft(order_id: UUID, key: str, order: NewOrder, quote: Quote) -> Draft:
    lines = [
        OrderLine(
            title_id=line.title_id, quantity=line.quantity, unit_price=line.unit_price, total=line.total
        )
        for line in quote.lines
    ]
    return Draft(
        id=order_id,
        customer_id=order.customer_id,
        key=key,
        content_hash=content_hash(order),
        currency=order.currency,
        lines=lines,
        total=sum((line.total for line in lines), Decimal(0)),
    )
