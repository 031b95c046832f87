"""Placing orders, one or many at the same cost in calls, and reading them."""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from common import paging

from order.domain import (
    PLACED,
    Account,
    CreditExceeded,
    IdempotencyConflict,
    InvalidOrder,
    InvalidRequest,
    NewOrder,
    NotTheWriter,
    Order,
    PricedLine,
    Unavailable,
    UnknownOrder,
    total_of,
    violations,
)
from order.ports import Accounts, Entry, Key, Orders, Outbox, Outcome, Placed, Pricing, Wanted

MANY = 10**6


@dataclass(frozen=True, slots=True)
class Ordering:
    """The use cases of orders."""

    orders: Orders
    pricing: Pricing
    accounts: Accounts
    outbox: Outbox
    new_id: Callable[[], UUID]
    now: Callable[[], datetime]
    slow: float = 0.25  # seconds after which repetitions no longer wait for neighbours

    async def place_together(self, wanted: Sequence[Wanted]) -> list[Outcome]:
        """Of several callers, of whom the first leads: events of the others are not part of what it does."""
        return await self.place_many(wanted, led=1)

    async def place_many(self, wanted: Sequence[Wanted], *, led: int = MANY) -> list[Outcome]:
        """Each order's outcome in its place; the same as if they had come one after the other."""
        outcomes: dict[int, Outcome] = {}
        ours = {(order.customer_id, key) for key, order in wanted[:led]}
        for nth, positions in enumerate(_rounds(wanted)):
            answers = await self._place([wanted[i] for i in positions], ours, is_again=nth > 0)
            outcomes.update(zip(positions, answers, strict=True))
        return [outcomes[i] for i in range(len(wanted))]

    async def get(self, order_id: str, user: str = "") -> Order:
        """`user` is the verified one, if the mesh verifies users: what is not theirs does not exist for them."""
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
        if "\x00" in customer_id:  # no database can hold it, so nobody is called that
            return (), ""
        found = await self.orders.page(customer_id, before, size + 1)
        return found[:size], str(found[size - 1].id) if len(found) > size else ""

    async def _place(self, wanted: Sequence[Wanted], ours: Set[Key], *, is_again: bool) -> list[Outcome]:
        """All keys differ, and most are new: which of them are taken is only asked if some cannot be stored.

        With `is_again` most were placed a moment ago, so that is asked first.
        """
        outcomes: dict[Key, Outcome] = {}
        asked: dict[Key, NewOrder] = {}
        for key, order in wanted:
            if found := violations(key, order):
                outcomes[order.customer_id, key] = InvalidOrder(found)
            else:
                asked[order.customer_id, key] = order
        if asked and is_again:
            outcomes |= await self._known(asked, {})
            asked = {key: order for key, order in asked.items() if key not in outcomes}
        if asked:
            outcomes |= await self._asked(asked, ours)
        return [outcomes[order.customer_id, key] for key, order in wanted]

    async def _asked(self, asked: Mapping[Key, NewOrder], ours: Set[Key]) -> dict[Key, Outcome]:
        pricing = asyncio.create_task(self._priced(asked))
        try:
            await asyncio.wait([pricing], timeout=self.slow)
            if not pricing.done():
                known = await self._known(asked, {})
                if len(known) == len(asked):  # repetitions do not wait for neighbours
                    return known
            return await self._new(asked, await pricing, ours)
        finally:
            pricing.cancel()

    async def _new(
        self, asked: Mapping[Key, NewOrder], priced: Mapping[Key, Entry | Exception], ours: Set[Key]
    ) -> dict[Key, Outcome]:
        """What cannot be stored may be a repetition: then it is answered as such, whatever else is wrong with it."""
        entries = {key: entry for key, entry in priced.items() if isinstance(entry, Entry)}
        refused = {key: error for key, error in priced.items() if isinstance(error, Exception)}
        stored = await self._stored(entries, ours)
        outcomes: dict[Key, Outcome] = {**refused, **stored}
        doubtful = {key: asked[key] for key, outcome in outcomes.items() if not isinstance(outcome, Placed)}
        return outcomes | await self._known(doubtful, entries)

    async def _known(self, asked: Mapping[Key, NewOrder], entries: Mapping[Key, Entry]) -> dict[Key, Outcome]:
        """The answers for those that are stored; all are unavailable if that cannot be told."""
        if not asked:
            return {}
        try:
            known = await self.orders.by_keys(asked)
        except Unavailable as error:
            return dict.fromkeys(asked, error)
        return {key: _again(asked[key], entry, entries.get(key)) for key, entry in known.items()}

    async def _priced(self, asked: Mapping[Key, NewOrder]) -> dict[Key, Entry | Exception]:
        """What can be stored, and why the others cannot."""
        try:
            priced, accounts = await asyncio.gather(
                self.pricing.price(list(asked.values())),
                self.accounts.find({customer for customer, _ in asked}),
            )
        except Unavailable as error:
            return dict.fromkeys(asked, error)
        found: dict[Key, Entry | Exception] = {}
        for (key, order), lines in zip(asked.items(), priced, strict=True):
            if isinstance(lines, InvalidOrder):
                found[key] = lines
                continue
            try:
                found[key] = self._entry(key, order, lines, accounts.get(order.customer_id, Account()))
            except CreditExceeded as error:
                found[key] = error
        return found

    def _entry(self, key: Key, wanted: NewOrder, lines: tuple[PricedLine, ...], account: Account) -> Entry:
        total = total_of(lines, wanted.currency, account)
        order = Order(
            self.new_id(),
            wanted.customer_id,
            PLACED,
            wanted.currency,
            lines,
            account.discount_percent,
            total,
            self.now(),
        )
        return Entry(key[1], wanted.content_hash(), order)

    async def _stored(self, entries: Mapping[Key, Entry], ours: Set[Key]) -> dict[Key, Outcome]:
        if not entries:
            return {}
        self.outbox.expect([entry.order.id for key, entry in entries.items() if key in ours])
        try:
            stored = await self.orders.store(list(entries.values()))
        except (Unavailable, NotTheWriter) as error:
            return dict.fromkeys(entries, error)
        except Exception as error:
            return await self._one_by_one(entries, ours, error)
        self.outbox.filled()
        not_stored = Unavailable("the order was not stored")
        return {
            key: Placed(entry.order) if entry.order.id in stored else not_stored
            for key, entry in entries.items()
        }

    async def _one_by_one(
        self, entries: Mapping[Key, Entry], ours: Set[Key], error: Exception
    ) -> dict[Key, Outcome]:
        if len(entries) == 1:
            return dict.fromkeys(entries, error)
        outcomes: dict[Key, Outcome] = {}
        for key, entry in entries.items():
            outcomes |= await self._stored({key: entry}, ours)
        return outcomes


def _again(wanted: NewOrder, entry: Entry, ours: Entry | None) -> Outcome:
    """The answer for a key that is taken; `ours` if we may have stored it ourselves without being told so."""
    if entry.content_hash != wanted.content_hash():
        return IdempotencyConflict(entry.key)
    return Placed(entry.order, replayed=ours is None or entry.order.id != ours.order.id)


def _rounds(wanted: Sequence[Wanted]) -> Iterator[list[int]]:
    """Positions, cut so that within one round no key comes twice."""
    rounds: list[list[int]] = []
    seen: dict[Key, int] = {}
    for position, (key, order) in enumerate(wanted):
        nth = seen.get((order.customer_id, key), 0)
        seen[order.customer_id, key] = nth + 1
        if nth == len(rounds):
            rounds.append([])
        rounds[nth].append(position)
    yield from rounds
