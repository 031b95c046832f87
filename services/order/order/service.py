"""Placing orders, one or many at the same cost in calls, and reading them."""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

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

    async def place_together(self, wanted: Sequence[Wanted]) -> list[Outcome]:
        """Of several callers, of whom the first leads: events of the others are not part of what it does."""
        return await self.place_many(wanted, led=1)

    async def place_many(self, wanted: Sequence[Wanted], *, led: int = MANY) -> list[Outcome]:
        """Each order's outcome in its place; the same as if they had come one after the other."""
        outcomes: dict[int, Outcome] = {}
        ours = {(order.customer_id, key) for key, order in wanted[:led]}
        for positions in _rounds(wanted):
            answers = await self._place([wanted[i] for i in positions], ours)
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
            raise InvalidRequest([("page_token", "is not a token from an earlier page")]) from None
        size = size or 20
        if "\x00" in customer_id:  # no database can hold it, so nobody is called that
            return (), ""
        found = await self.orders.page(customer_id, before, size + 1)
        return found[:size], str(found[size - 1].id) if len(found) > size else ""

    async def _place(self, wanted: Sequence[Wanted], ours: Set[Key]) -> list[Outcome]:
        """All keys differ. A stored key is answered without asking the neighbours."""
        outcomes: dict[Key, Outcome] = {}
        asked: dict[Key, NewOrder] = {}
        for key, order in wanted:
            if found := violations(key, order):
                outcomes[order.customer_id, key] = InvalidOrder(found)
            else:
                asked[order.customer_id, key] = order
        try:
            known = await self.orders.by_keys(asked) if asked else {}
            outcomes |= {key: _again(asked[key], entry) for key, entry in known.items()}
            asked = {key: order for key, order in asked.items() if key not in known}
            entries = await self._priced(asked, outcomes)
            outcomes |= await self._stored(entries, asked, ours)
        except (Unavailable, NotTheWriter) as error:
            outcomes |= {key: error for key in asked if key not in outcomes}
        return [outcomes[order.customer_id, key] for key, order in wanted]

    async def _priced(self, asked: Mapping[Key, NewOrder], outcomes: dict[Key, Outcome]) -> dict[Key, Entry]:
        """What can be stored; what cannot gets its outcome."""
        if not asked:
            return {}
        priced, accounts = await asyncio.gather(
            self.pricing.price(list(asked.values())), self.accounts.find({customer for customer, _ in asked})
        )
        entries: dict[Key, Entry] = {}
        for (key, order), lines in zip(asked.items(), priced, strict=True):
            if isinstance(lines, InvalidOrder):
                outcomes[key] = lines
                continue
            try:
                entries[key] = self._entry(key, order, lines, accounts.get(order.customer_id, Account()))
            except CreditExceeded as error:
                outcomes[key] = error
        return entries

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

    async def _stored(
        self, entries: Mapping[Key, Entry], asked: Mapping[Key, NewOrder], ours: Set[Key]
    ) -> dict[Key, Outcome]:
        if not entries:
            return {}
        self.outbox.expect([entry.order.id for key, entry in entries.items() if key in ours])
        try:
            stored = await self.orders.store(list(entries.values()))
        except (Unavailable, NotTheWriter):
            raise
        except Exception as error:
            return await self._one_by_one(entries, asked, ours, error)
        self.outbox.filled()
        outcomes: dict[Key, Outcome] = {
            key: Placed(entry.order) for key, entry in entries.items() if entry.order.id in stored
        }
        if taken := [key for key in entries if key not in outcomes]:
            known = await self.orders.by_keys(taken)
            for key in taken:
                if key in known:
                    outcomes[key] = _again(asked[key], known[key], entries[key].order.id)
                else:
                    outcomes[key] = Unavailable("the order was not stored")
        return outcomes

    async def _one_by_one(
        self,
        entries: Mapping[Key, Entry],
        asked: Mapping[Key, NewOrder],
        ours: Set[Key],
        error: Exception,
    ) -> dict[Key, Outcome]:
        if len(entries) == 1:
            return dict.fromkeys(entries, error)
        outcomes: dict[Key, Outcome] = {}
        for key, entry in entries.items():
            outcomes |= await self._stored({key: entry}, asked, ours)
        return outcomes


def _again(wanted: NewOrder, entry: Entry, ours: UUID | None = None) -> Outcome:
    """The answer for a key that is taken; `ours` if we may have stored it ourselves without being told so."""
    if entry.content_hash != wanted.content_hash():
        return IdempotencyConflict(entry.key)
    return Placed(entry.order, replayed=entry.order.id != ours)


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
