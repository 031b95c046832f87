"""Placing orders, one or many for the same number of calls, and reading them."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from common import paging

from order.domain import (
    Account,
    CatalogueAway,
    CreditExceeded,
    IdempotencyConflict,
    InvalidOrder,
    InvalidRequest,
    NotTheWriter,
    Order,
    Unavailable,
    UnknownOrder,
    create_order,
    violations,
)
from order.ports import Accounts, Entry, Failed, Key, Orders, Outcome, Placed, PlaceRequest, Pricing, Refused

Outcomes = dict[UUID, Outcome]  # by the id of the request


@dataclass(frozen=True, slots=True)
class Ordering:
    """The use cases of orders."""

    orders: Orders
    pricing: Pricing
    accounts: Accounts
    wake_relay: Callable[[], None]
    now: Callable[[], datetime]
    patience: float = 0.25  # seconds; if prices take longer, replays are answered without them

    async def place_many(self, requests: Sequence[PlaceRequest]) -> list[Outcome]:
        """The outcome of each request in its place, the same as if they had come one after the other."""
        valid, outcomes = _validate(requests)
        for number, turn in enumerate(_split_by_key(valid)):
            replays = await self._resolve_replays(turn) if number else {}
            outcomes |= replays
            outcomes |= await self._place([request for request in turn if request.id not in replays])
        return [outcomes[request.id] for request in requests]

    async def _place(self, requests: Sequence[PlaceRequest]) -> Outcomes:
        """Place orders whose keys all differ. A key that has an order already answers that order, whatever is
        wrong with the request now; most keys are new, so this is looked up last."""
        if not requests:
            return {}
        entries, refused = await self._price_or_replay(requests)
        outcomes = refused | await self._store(entries)
        unplaced = [request for request in requests if not isinstance(outcomes[request.id], Placed)]
        return outcomes | await self._resolve_replays(unplaced)

    async def _price_or_replay(self, requests: Sequence[PlaceRequest]) -> tuple[list[Entry], Outcomes]:
        """The priced orders; if prices take long and every request is a replay, the replays alone."""
        pricing = asyncio.create_task(self._price(requests))
        try:
            await asyncio.wait([pricing], timeout=self.patience)
            if not pricing.done():
                replays = await self._resolve_replays(requests)
                if len(replays) == len(requests):
                    return [], replays
            return await pricing
        finally:
            pricing.cancel()

    async def _price(self, requests: Sequence[PlaceRequest]) -> tuple[list[Entry], Outcomes]:
        """The orders that can be stored, and why the others cannot."""
        try:
            priced, accounts = await asyncio.gather(
                self.pricing.price([request.order for request in requests]),
                self.accounts.find({request.order.customer_id for request in requests}),
            )
        except Unavailable as error:
            return [], {request.id: Refused(error) for request in requests}
        entries: list[Entry] = []
        refused: Outcomes = {}
        for request, prices in zip(requests, priced, strict=True):
            if isinstance(prices, InvalidOrder | CatalogueAway):
                refused[request.id] = Refused(prices)
                continue
            account = accounts.get(request.order.customer_id, Account())
            try:
                order = create_order(request.id, request.order, prices.lines, account, self.now())
            except CreditExceeded as error:
                refused[request.id] = Refused(error)
            else:
                entries.append(Entry(request.key, request.order.content_hash(), order, prices.degraded))
        return entries, refused

    async def _store(self, entries: Sequence[Entry]) -> Outcomes:
        """Store the orders in one statement; if one of them makes it fail, each in its own."""
        if not entries:
            return {}
        try:
            stored = await self.orders.store(entries)
        except (Unavailable, NotTheWriter) as error:
            return {entry.order.id: Refused(error) for entry in entries}
        except Exception as error:
            if len(entries) == 1:
                return {entries[0].order.id: Failed(error)}
            alone: Outcomes = {}
            for entry in entries:
                alone |= await self._store([entry])
            return alone
        self.wake_relay()
        not_stored = Refused(Unavailable("the order was not stored"))
        return {
            entry.order.id: Placed(entry.order, degraded=entry.degraded)
            if entry.order.id in stored
            else not_stored
            for entry in entries
        }

    async def _resolve_replays(self, requests: Sequence[PlaceRequest]) -> Outcomes:
        """Outcomes of the requests whose keys have an order; all are unavailable if this cannot be looked up."""
        if not requests:
            return {}
        try:
            stored = await self.orders.by_keys([request.unique_key for request in requests])
        except Unavailable as error:
            return {request.id: Refused(error) for request in requests}
        return {
            request.id: _replay(request, stored[request.unique_key])
            for request in requests
            if request.unique_key in stored
        }

    async def get(self, order_id: str, user: str = "") -> Order:
        """Raises UnknownOrder also for an order of another customer than `user`, the user that the mesh verified."""
        try:
            order = await self.orders.get(UUID(order_id))
        except ValueError:
            order = None
        if order is None or user not in ("", order.customer_id):
            raise UnknownOrder(order_id)
        return order

    async def page(self, customer_id: str, size: int, last: str) -> tuple[Sequence[Order], str]:
        """One page and the last key on it, empty if no page follows."""
        if not 0 <= size <= 100:
            raise InvalidRequest([("page_size", "must be between 1 and 100")])
        try:
            before = UUID(last) if last else None
        except ValueError:
            raise InvalidRequest([("page_token", paging.FORM)]) from None
        size = size or 20
        if "\x00" in customer_id:  # no database can hold it, so no customer has this id
            return (), ""
        found = await self.orders.page(customer_id, before, size + 1)
        return found[:size], str(found[size - 1].id) if len(found) > size else ""


def _split_by_key(requests: Sequence[PlaceRequest]) -> list[list[PlaceRequest]]:
    """The requests in turns, so that no key comes twice within one turn."""
    turns: list[list[PlaceRequest]] = []
    seen: dict[Key, int] = {}
    for request in requests:
        turn = seen.get(request.unique_key, 0)
        seen[request.unique_key] = turn + 1
        if turn == len(turns):
            turns.append([])
        turns[turn].append(request)
    return turns


def _validate(requests: Sequence[PlaceRequest]) -> tuple[list[PlaceRequest], Outcomes]:
    """The valid requests, and what is wrong with the others."""
    valid: list[PlaceRequest] = []
    invalid: Outcomes = {}
    for request in requests:
        if found := violations(request.key, request.order):
            invalid[request.id] = Refused(InvalidOrder(found))
        else:
            valid.append(request)
    return valid, invalid


def _replay(request: PlaceRequest, stored: Entry) -> Outcome:
    """An order with the request's own id is no replay: the statement that stored it seemed to have failed."""
    if stored.content_hash != request.order.content_hash():
        return Refused(IdempotencyConflict(stored.key))
    return Placed(stored.order, replayed=stored.order.id != request.id)
