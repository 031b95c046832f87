"""REST to gRPC; no rule of its own."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial

import tracing
from edge import figures
from edge.app import PortsNow, create_app
from edge.ports import Ports
from edge.remote.currency import RemoteCurrencies
from edge.remote.customer import RemoteCustomers
from edge.remote.order import RemoteOrders
from edge.remote.pricing import RemotePricing
from edge.remote.title import RemoteTitles
from edge.serve import serve
from fastapi import FastAPI
from grpc.aio import Channel
from service_kit import server
from service_kit.channel import open_channel
from service_kit.telemetry import configure_logging

from gateway.settings import Settings


@asynccontextmanager
async def remote_ports(settings: Settings) -> AsyncIterator[PortsNow]:
    async with AsyncExitStack() as closing:

        def to(address: str) -> Channel:
            channel = open_channel(address, settings.egress)
            closing.push_async_callback(channel.close)
            return channel

        ports = Ports(
            RemoteTitles(to(settings.title_address)),
            RemoteCurrencies(to(settings.currency_address)),
            RemotePricing(to(settings.pricing_address)),
            RemoteOrders(to(settings.order_address)),
            RemoteCustomers(to(settings.customer_address)),
        )
        yield lambda: ports


def application(settings: Settings) -> FastAPI:
    return create_app(partial(remote_ports, settings))


def run() -> None:
    settings = Settings()
    configure_logging("gateway", settings.version, settings.log_level, settings.log_hash_key)
    figures.serve(settings.metrics_listen)
    tracing.configure("gateway", settings.version, settings)
    server.run(partial(serve, application(settings), settings.listen))


if __name__ == "__main__":
    run()
