"""The events of orders as work to be done: the transactional outbox, and the step to the next status."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from order.database import rows
from order.domain import NEXT, Event
from order.storage import read_event

# The update of no row asks whether we are the writer: a fence raises FT001 before anything is published.
UNPUBLISHED = text("""
    with fence as (update order_events set published = published where false returning 1)
    select order_id, sequence, status, at from order_events where not published order by at limit :most
""")
MARK = text("""
    update order_events e set published = true
    from unnest(cast(:ids as uuid[]), cast(:sequences as int[])) as done(order_id, sequence)
    where e.order_id = done.order_id and e.sequence = done.sequence and not e.published
""")
REQUEUE = text("""
    with unfinished as materialized (select id, status from orders where status <> 'shipped')
    update order_events e set published = false
    from unfinished o where e.order_id = o.id and e.status = o.status and e.published
""")
ADVANCE = text("""
    with moved as (
        update orders o set status = step.next, updated_at = :at
        from unnest(cast(:ids as uuid[]), cast(:statuses as text[]), cast(:nexts as text[]),
                    cast(:sequences as int[])) as step(id, status, next, sequence)
        where o.id = step.id and o.status = step.status
        returning o.id, step.next, step.sequence
    )
    insert into order_events (order_id, sequence, status, at)
    select id, sequence + 1, next, :at from moved
    on conflict do nothing
""")


class SqlProgress:
    """The outbox and the statuses in PostgreSQL."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def unpublished(self, most: int) -> list[Event]:
        """The oldest events that the queue has not got yet. Raises NotTheWriter if another side has them."""
        return [read_event(row) for row in await rows(self._engine, UNPUBLISHED, {"most": most})]

    async def mark(self, events: Sequence[Event]) -> None:
        """Remember that these events are published."""
        values = {
            "ids": [event.order_id for event in events],
            "sequences": [event.sequence for event in events],
        }
        await rows(self._engine, MARK, values)

    async def requeue(self) -> None:
        """Publish the current event of every unfinished order again: the queue has lost what it had."""
        await rows(self._engine, REQUEUE, {})

    async def advance(self, events: Sequence[Event], at: datetime) -> None:
        """Move each order on from the status that its event names; one that is further already stays."""
        steps = sorted((e for e in events if e.status in NEXT), key=lambda event: event.order_id)
        values = {
            "ids": [event.order_id for event in steps],
            "statuses": [event.status for event in steps],
            "nexts": [NEXT[event.status] for event in steps],
            "sequences": [event.sequence for event in steps],
            "at": at,
        }
        await rows(self._engine, ADVANCE, values)
