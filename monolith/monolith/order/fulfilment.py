"""The worker that moves orders on: placed, accepted, shipped."""

import asyncio
import logging

from opentelemetry.trace import SpanKind
from service_kit.context import on_behalf_of
from sqlalchemy import text
from tracing import Traces, span

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
        returning e.order_id, e.status
    )
    select order_id, status from done
""")


class Fulfilment:
    """Takes orders from placed to accepted to shipped, `delay` seconds from one status to the next."""

    def __init__(self, database: Database, delay: float, traces: Traces) -> None:
        self._traces = traces
        self._database = database
        self._delay = delay

    async def step(self) -> int:
        """Handle up to MOST due events and return how many were due."""
        done = await self._database.rows(STEP, {"delay": self._delay, "most": MOST})
        for event in done:
            trace = self._traces.of(event.order_id)
            if not trace:
                continue
            # all was done at once, above; this says of each traced one when it was
            with (
                span(f"orders.{event.status} process", SpanKind.CONSUMER, trace) as within,
                on_behalf_of(within),
            ):
                log.info("order %s is %s", event.order_id, event.status)
        return len(done)

    async def run_once(self) -> None:
        """Handle what is due, and pause if that was all."""
        if await self.step() < MOST:
            await asyncio.sleep(EVERY)

    async def work(self) -> None:
        """Handle due events for ever; a failure is logged and tried again."""
        while True:
            try:
                await self.run_once()
            except Exception as error:
                log.warning("fulfilment pauses: %r", error)
                await asyncio.sleep(REST)
