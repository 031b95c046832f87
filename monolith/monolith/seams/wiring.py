"""Builds the process as `monolith.wiring` does, with two sides of every module."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial

from fastapi import FastAPI
from grpc.aio import Channel
from rest_api.app import create_app
from rest_api.ports import Ports
from rest_api.remote.currency import RemoteCurrencies
from rest_api.remote.order import RemoteOrders
from rest_api.remote.pricing import RemotePricing
from rest_api.remote.title import RemoteTitles
from service_kit.channel import open_channel
from tracing import Traces

from monolith.currency.service import LocalCurrencies
from monolith.database import open_engine
from monolith.order.service import LocalOrders
from monolith.order.storage import OrderStorage
from monolith.order.watch import Watches
from monolith.pricing.service import LocalPricing
from monolith.seams.currency import SwitchableCurrencies
from monolith.seams.fence import FencedDatabase, FencedFulfilment
from monolith.seams.order import SwitchableOrders
from monolith.seams.placement import Placement
from monolith.seams.pricing import SwitchablePricing
from monolith.seams.settings import SeamSettings
from monolith.seams.title import SwitchableTitles
from monolith.title.service import LocalTitles
from monolith.wiring import run_until_closed


def application(settings: SeamSettings) -> FastAPI:
    """The monolith while it is strangled: each module answers in this process or as a service."""
    return create_app(partial(ports, settings))


@asynccontextmanager
async def ports(settings: SeamSettings) -> AsyncIterator[Ports]:
    """The modules with their local and their remote sides, with what runs beside the requests."""
    async with AsyncExitStack() as closing:
        engine = open_engine(settings.database_url, extra_connections=1)  # the placement's, which listens
        closing.push_async_callback(engine.dispose)
        database = FencedDatabase(engine)

        def to(address: str) -> Channel:
            channel = open_channel(address, settings.egress)
            closing.push_async_callback(channel.close)
            return channel

        titles = SwitchableTitles("title", LocalTitles(database), RemoteTitles(to(settings.title_address)))
        currencies = SwitchableCurrencies(
            "currency", LocalCurrencies(database), RemoteCurrencies(to(settings.currency_address))
        )
        pricing = SwitchablePricing(
            "pricing",
            LocalPricing(database, titles, currencies, settings.ruleset),
            RemotePricing(to(settings.pricing_address)),
        )
        watches, traces = Watches(database), Traces()
        orders = SwitchableOrders(
            "order",
            LocalOrders(OrderStorage(database), watches, pricing, traces),
            RemoteOrders(to(settings.order_address)),
        )

        placement = Placement(engine, [titles, currencies, pricing, orders])
        await placement.read()
        fulfilment = FencedFulfilment(database, settings.fulfilment_delay, traces)
        run_until_closed(closing, placement.follow(), watches.follow(), fulfilment.work())
        yield Ports(titles, currencies, pricing, orders)
