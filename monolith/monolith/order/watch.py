"""Order events as they happen: however many are watched, one query per interval asks for all of them."""

import asyncio
import logging
from collections.abc import AsyncGenerator
from typing import Any
from uuid import UUID

from rest_api.errors import Missing
from rest_api.models import OrderEvent
from sqlalchemy import Row, text

from monolith.database import Database

log = logging.getLogger(__name__)

EVERY = 0.1
LAST_STATUS = "shipped"

FIRST = text("""
    select o.id, o.status as order_status, e.sequence, e.status, e.at
    from orders o left join order_events e on e.order_id = o.id
    where o.id = :id order by e.sequence
""")
NEXT = text("""
    select e.order_id as id, e.sequence, e.status, e.at
    from order_events e join unnest(cast(:ids as uuid[]), cast(:afters as int[])) as w(id, after)
      on e.order_id = w.id and e.sequence > w.after
    order by e.order_id, e.sequence
""")


class _Watch:
    def __init__(self, order_id: UUID, after: int) -> None:
        self.order_id = order_id
        self.after = after
        self.rows: asyncio.Queue[Row[Any]] = asyncio.Queue()

    def put(self, row: Row[Any]) -> None:
        if row.sequence > self.after:
            self.after = row.sequence
            self.rows.put_nowait(row)


class Watches:
    """Events of orders for those who wait for them: one query for all, at intervals."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._watches: set[_Watch] = set()
        self._wanted = asyncio.Event()

    async def events(self, order_id: UUID, after: int) -> AsyncGenerator[OrderEvent, None]:
        """Events behind `after` until the last, however large `after` is; Missing before the first."""
        found = await self._database.rows(FIRST, {"id": order_id})
        if not found:
            raise Missing("order", str(order_id))
        seen, status = 0, found[0].order_status
        for row in found:
            if row.sequence is not None:
                seen, status = row.sequence, row.status
                if seen > after:
                    yield _event(row)
        if status == LAST_STATUS:
            return
        watch = _Watch(order_id, seen)
        self._watches.add(watch)
        self._wanted.set()
        try:
            while status != LAST_STATUS:
                row = await watch.rows.get()
                status = row.status
                if row.sequence > after:
                    yield _event(row)
        finally:
            self._watches.discard(watch)

    async def follow(self) -> None:
        """Look for news of the watched orders for ever."""
        while True:
            await self._wanted.wait()
            if not self._watches:
                self._wanted.clear()
                continue
            await asyncio.sleep(EVERY)
            try:
                await self._hand_out()
            except Exception as error:
                log.warning("order events are not readable: %r", error)
                await asyncio.sleep(1)

    async def _hand_out(self) -> None:
        watches = list(self._watches)
        after: dict[UUID, int] = {}
        for watch in watches:
            after[watch.order_id] = min(watch.after, after.get(watch.order_id, watch.after))
        found = await self._database.rows(NEXT, {"ids": list(after), "afters": list(after.values())})
        for row in found:
            for watch in watches:
                if watch.order_id == row.id:
                    watch.put(row)


def _event(row: Row[Any]) -> OrderEvent:
    return OrderEvent(order_id=row.id, sequence=row.sequence, status=row.status, at=row.at)
