"""Builds the one process: which module gets what, and what runs beside the requests."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial

from fastapi import FastAPI
from rest_api.app import PortsNow, create_app
from rest_api.ports import Currencies, Orders, Ports, Pricing, Titles
from rest_api.remote.currency import RemoteCurrencies
from rest_api.remote.order import RemoteOrders
from rest_api.remote.pricing import RemotePricing
from rest_api.remote.title import RemoteTitles
from service_kit.channel import open_channel
from tracing import Traces

from monolith.currency.service import LocalCurrencies
from monolith.database import Database, open_engine
from monolith.order.fulfilment import Fulfilment
from monolith.order.service import LocalOrders
from monolith.order.storage import OrderStorage
from monolith.order.watch import Watches
from monolith.pricing.service import LocalPricing
from monolith.seams.order import WritableOrders
from monolith.seams.placement import Choice, Placement
from monolith.settings import Settings
from monolith.title.service import LocalTitles


def application(settings: Settings) -> FastAPI:
    return create_app(partial(ports, settings))


@asynccontextmanager
async def ports(settings: Settings) -> AsyncIterator[PortsNow]:
    async with AsyncExitStack() as closing:
        engine = open_engine(settings.database_url)
        closing.push_async_callback(engine.dispose)
        database = Database(engine)

        channels = [
            open_channel(address, settings.egress)
            for address in (
                settings.title_address,
                settings.currency_address,
                settings.pricing_address,
                settings.order_address,
            )
        ]
        for channel in channels:
            closing.push_async_callback(channel.close)
        to_title, to_currency, to_pricing, to_order = channels

        titles = Choice[Titles]("title", LocalTitles(database), RemoteTitles(to_title))
        currencies = Choice[Currencies]("currency", LocalCurrencies(database), RemoteCurrencies(to_currency))
        pricing = Choice[Pricing](
            "pricing",
            LocalPricing(database, titles, currencies, settings.ruleset),
            RemotePricing(to_pricing),
        )
        watches, traces = Watches(database), Traces()
        orders = Choice[Orders](
            "order", LocalOrders(OrderStorage(database), watches, pricing, traces), RemoteOrders(to_order)
        )
        written = WritableOrders(orders)

        placement = Placement(database, [titles, currencies, pricing, orders])
        await placement.read()
        fulfilment = Fulfilment(database, settings.fulfilment_delay, traces)
        for work in (placement.follow(), watches.follow(), fulfilment.work()):
            closing.push_async_callback(_stopped, asyncio.create_task(work))
        yield lambda: Ports(titles(), currencies(), pricing(), written)


async def _stopped(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.wait([task])
