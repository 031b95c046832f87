"""The process: everything is built here, in order, and closed in reverse."""

from contextlib import AsyncExitStack
from datetime import UTC, datetime

import service_kit.server
from coalescing.coalesce import Coalescer
from common.conventions import ERROR_DOMAIN, ROUTED_BY, SUBJECT, USER_HEADER
from figtree.order.v1.order_pb2_grpc import add_OrderServiceServicer_to_server
from service_kit.channel import open_channel
from service_kit.commands import run_command
from service_kit.context import Conventions
from tracing import Traces

from order.clients import RemoteAccounts, RemotePricing
from order.database import database, migrate
from order.domain import Unavailable
from order.fulfilment import Fulfilment
from order.messaging import Messaging
from order.outbox import Relay, Wakeup
from order.progress import SqlProgress
from order.service import Ordering
from order.servicer import SERVICE, STATUS, OrderServicer
from order.settings import Settings
from order.storage import SqlOrders
from order.tasks import background
from order.watch import Watches

CONVENTIONS = Conventions(USER_HEADER, ROUTED_BY, ERROR_DOMAIN, SUBJECT)


async def serve(settings: Settings) -> None:
    """Serve until SIGTERM."""
    async with AsyncExitStack() as closing:
        engine = await closing.enter_async_context(database(settings.database_url))
        pricing = await closing.enter_async_context(open_channel(settings.pricing_address, settings.egress))
        customer = await closing.enter_async_context(open_channel(settings.customer_address, settings.egress))

        traces, wakeup = Traces(), Wakeup()
        progress = SqlProgress(engine)
        delay = settings.fulfilment_delay
        fulfilment = Fulfilment(progress, wakeup, traces, delay=delay)
        messaging = Messaging(settings.nats_url, Relay(progress, wakeup), fulfilment, traces, delay)
        await closing.enter_async_context(background(fulfilment.move()))
        await closing.enter_async_context(background(messaging.run()))

        orders = SqlOrders(engine)
        watches = Watches(orders)
        closing.push_async_callback(watches.close)
        ordering = Ordering(
            orders, RemotePricing(pricing), RemoteAccounts(customer), wakeup.notify, lambda: datetime.now(UTC)
        )
        servicer = OrderServicer(
            ordering, Coalescer(ordering.place_many, split_by=ROUTED_BY), watches, traces
        )
        await service_kit.server.serve(
            settings.listen,
            lambda server: add_OrderServiceServicer_to_server(servicer, server),
            [SERVICE],
            STATUS,
            CONVENTIONS,
            grace=settings.grace,
        )


async def update_schema(settings: Settings) -> None:
    """Bring the database to the newest revision."""
    await migrate(settings.database_url)


def run() -> None:
    """The command line of the process."""
    commands = {"serve": serve, "migrate": update_schema}
    run_command("order", Settings, CONVENTIONS, commands, (Unavailable,))


if __name__ == "__main__":
    run()
