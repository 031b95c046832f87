"""The worker that moves orders on: placed, accepted, shipped."""

import asyncio
import logging

from edge.errors import Moved
from sqlalchemy import text

from monolith.database import Database

log = logging.getLogger(__name__)

EVERY = 0.05
REST = 1.0
MOST = 500

# Several processes may run it at once: each takes what no other one has locked. The outermost query names
# no table, since a prepared statement would lock that first, and a fence locks orders before order_events.
STEP = text("""
    with due as (
        select order_id, sequence, status from order_events
        where not published and at <= now() - make_interval(secs => :delay)
        order by at limit :most
        for update skip locked
    ), moved as (
        update orders o
        set status = case due.status when 'placed' then 'accepted' else 'shipped' end, updated_at = now()
        from due
        where o.id = due.order_id and o.status = due.status and due.status in ('placed', 'accepted')
        returning o.id, due.sequence + 1 as sequence, o.status
    ), recorded as (
        insert into order_events (order_id, sequence, status, at)
        select id, sequence, status, now() from moved
        on conflict do nothing
    ), done as (
        update order_events e set published = true from due
        where e.order_id = due.order_id and e.sequence = due.sequence
        returning 1
    )
    select 1 from done
""")


class Fulfilment:
    def __init__(self, database: Database, delay: float) -> None:
        self._database = database
        self._delay = delay

    async def step(self) -> int:
        """How many events were due. Raises Moved if this side is not the writer."""
        return len(await self._database.rows(STEP, {"delay": self._delay, "most": MOST}))

    async def work(self) -> None:
        while True:
            try:
                if await self.step() < MOST:
                    await asyncio.sleep(EVERY)
            except Moved:
                await asyncio.sleep(REST)
            except Exception as error:
                log.warning("fulfilment pauses: %r", error)
                await asyncio.sleep(REST)
