from collections.abc import AsyncGenerator, Sequence
from decimal import Decimal
from uuid import UUID

from rest_api import paging
from rest_api.errors import Conflict, EdgeError, Invalid, Missing
from rest_api.models import Basket, NewOrder, Order, OrderEvent, OrderLine, OrderPage, Quote
from rest_api.ports import Placed, Pricing
from service_kit.context import current
from tracing import Traces
from uuid_utils.compat import uuid7

from monolith.order.content import content_hash
from monolith.order.storage import LAST, Draft, OrderStorage, Stored
from monolith.order.watch import Watches


class LocalOrders:
    def __init__(self, storage: OrderStorage, watches: Watches, pricing: Pricing, traces: Traces) -> None:
        self._traces = traces
        self._storage = storage
        self._watches = watches
        self._pricing = pricing

    async def place(self, key: str, order: NewOrder) -> Placed:
        answer = (await self.place_many([(key, order)]))[0]
        if isinstance(answer, EdgeError):
            raise answer
        return answer

    async def place_many(self, orders: Sequence[tuple[str, NewOrder]]) -> Sequence[Placed | EdgeError]:
        """Round by round: answer those that are stored, then store the first that waits of each key.

        A second round is for keys that came twice, here or from somebody who was faster.
        """
        answers: dict[int, Placed | EdgeError] = {}
        ours: set[UUID] = set()  # stored by us after all, if a connection died before it said so
        while len(answers) < len(orders):
            waiting = {i: (o.customer_id, key) for i, (key, o) in enumerate(orders) if i not in answers}
            stored = await self._storage.by_keys(set(waiting.values()))
            turn: dict[tuple[str, str], int] = {}
            for i, key in waiting.items():
                if key in stored:
                    answers[i] = _found(orders[i], stored[key], ours)
                else:
                    turn.setdefault(key, i)
            if turn:
                answers |= await self._stored({i: orders[i] for i in turn.values()}, ours)
        return [answers[i] for i in range(len(orders))]

    async def _stored(
        self, orders: dict[int, tuple[str, NewOrder]], ours: set[UUID]
    ) -> dict[int, Placed | EdgeError]:
        """Answers to what was stored or is invalid; one whose key was taken meanwhile has none yet."""
        baskets = [Basket(currency=order.currency, lines=order.lines) for _, order in orders.values()]
        quotes = dict(zip(orders, await self._pricing.batch_quote(baskets), strict=True))
        answers: dict[int, Placed | EdgeError] = {}
        drafts: dict[int, Draft] = {}
        for i, (key, order) in orders.items():
            quote = quotes[i]
            if isinstance(quote, EdgeError):
                answers[i] = quote
            else:
                drafts[i] = _draft(key, order, quote)
        stored = await self._storage.store(list(drafts.values())) if drafts else {}
        self._traces.remember(stored, current().headers)
        ours |= {draft.id for draft in drafts.values() if draft.id not in stored}
        return answers | {i: Placed(stored[d.id]) for i, d in drafts.items() if d.id in stored}

    async def get(self, order_id: UUID) -> Order:
        order = await self._storage.get(order_id)
        if order is None:
            raise Missing("order", str(order_id))
        return order

    async def list(self, customer_id: str, page_size: int, page_token: str) -> OrderPage:
        found = await self._storage.page(customer_id, _before(page_token), page_size + 1)
        page = tuple(found[:page_size])
        more = len(found) > page_size
        return OrderPage(orders=page, next_page_token=paging.token(str(page[-1].id)) if more else "")

    async def watch(self, order_id: UUID, after_sequence: int) -> AsyncGenerator[OrderEvent, None]:
        async for event in self._watches.events(order_id, after_sequence):
            yield event


def _before(page_token: str) -> UUID:
    key = paging.last_key(page_token)
    try:
        return UUID(key) if key else LAST
    except ValueError:
        raise Invalid([("page_token", paging.FORM)]) from None


def _found(wanted: tuple[str, NewOrder], stored: Stored, ours: set[UUID]) -> Placed | EdgeError:
    key, order = wanted
    if stored.content_hash != content_hash(order):
        return Conflict(key)
    replayed = stored.order.id not in ours
    ours.discard(stored.order.id)
    return Placed(stored.order, replayed)


def _draft(key: str, order: NewOrder, quote: Quote) -> Draft:
    lines = [
        OrderLine(title_id=p.title_id, quantity=p.quantity, unit_price=p.unit_price, total=p.total)
        for p in quote.lines
    ]
    total = sum((line.total for line in lines), Decimal(0))
    return Draft(uuid7(), order.customer_id, key, content_hash(order), order.currency, lines, total)
