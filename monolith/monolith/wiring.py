"""Builds the one process: which module gets what, and what runs beside the requests."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import Any

from fastapi import FastAPI
from rest_api.app import create_app
from rest_api.ports import Ports
from tracing import Traces

from monolith.currency.service import LocalCurrencies
from monolith.database import Database, open_engine
from monolith.order.fulfilment import Fulfilment
from monolith.order.service import LocalOrders
from monolith.order.storage import OrderStorage
from monolith.order.watch import Watches
from monolith.pricing.service import LocalPricing
from monolith.settings import Settings
from monolith.title.service import LocalTitles


def application(settings: Settings) -> FastAPI:
    """The monolith before strangling: four modules in one process, on one database."""
    return create_app(partial(ports, settings))


@asynccontextmanager
async def ports(settings: Settings) -> AsyncIterator[Ports]:
    """The four modules on one database, with what runs beside the requests."""
    async with AsyncExitStack() as closing:
        engine = open_engine(settings.database_url)
        closing.push_async_callback(engine.dispose)
        database = Database(engine)

        titles, currencies = LocalTitles(database), LocalCurrencies(database)
        pricing = LocalPricing(database, titles, currencies, settings.ruleset)
        watches, traces = Watches(database), Traces()
        orders = LocalOrders(OrderStorage(database), watches, pricing, traces)

        fulfilment = Fulfilment(database, settings.fulfilment_delay, traces)
        run_until_closed(closing, watches.follow(), fulfilment.work())
        yield Ports(titles, currencies, pricing, orders)


def run_until_closed(closing: AsyncExitStack, *works: Coroutine[Any, Any, None]) -> None:
    """Run each beside the requests, and cancel it when `closing` closes."""
    for work in works:
        closing.push_async_callback(_stop, asyncio.create_task(work))


async def _stop(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.wait([task])
