"""REST to gRPC; no rule of its own."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial

import tracing
from fastapi import FastAPI
from grpc.aio import Channel
from rest_api import figures
from rest_api.app import create_app
from rest_api.conventions import CONVENTIONS
from rest_api.ports import Ports
from rest_api.remote.currency import RemoteCurrencies
from rest_api.remote.customer import RemoteCustomers
from rest_api.remote.order import RemoteOrders
from rest_api.remote.pricing import RemotePricing
from rest_api.remote.title import RemoteTitles
from rest_api.serve import serve
from service_kit import server
from service_kit.channel import open_channel
from service_kit.telemetry import configure_logging

from gateway.settings import Settings


@asynccontextmanager
async def remote_ports(settings: Settings) -> AsyncIterator[Ports]:
    """Every port over gRPC; the channels are closed at the end."""
    async with AsyncExitStack() as closing:

        def to(address: str) -> Channel:
            channel = open_channel(address, settings.egress)
            closing.push_async_callback(channel.close)
            return channel

        yield Ports(
            RemoteTitles(to(settings.title_address)),
            RemoteCurrencies(to(settings.currency_address)),
            RemotePricing(to(settings.pricing_address)),
            RemoteOrders(to(settings.order_address)),
            RemoteCustomers(to(settings.customer_address)),
        )


def application(settings: Settings) -> FastAPI:
    """The REST contract over remote ports."""
    return create_app(partial(remote_ports, settings))


def run() -> None:
    """The command line of the process."""
    settings = Settings()
    configure_logging("gateway", settings.version, CONVENTIONS, settings.log_level, settings.log_hash_key)
    figures.serve(settings.metrics_listen)
    tracing.configure("gateway", settings.version, settings)
    server.run(partial(serve, application(settings), settings.listen))


if __name__ == "__main__":
    run()
