"""The composition root: `pricing` serves, `pricing migrate`, `pricing import`."""

import sys
from contextlib import AsyncExitStack
from datetime import timedelta

import service_kit.server
from common.conventions import ERROR_DOMAIN, ROUTED_BY, SUBJECT, USER_HEADER
from figtree.pricing.v1.pricing_pb2_grpc import add_PricingServiceServicer_to_server
from service_kit.channel import open_channel
from service_kit.commands import run_command
from service_kit.context import Conventions

from pricing.back_office import InvalidLine, import_lines
from pricing.clients import RemoteCatalogue, RemoteExchange
from pricing.database import database, migrate
from pricing.domain import RULESETS, NotTheWriter, Unavailable
from pricing.service import Quoting
from pricing.servicer import SERVICE, STATUS, PricingServicer
from pricing.settings import Settings
from pricing.storage import SqlPrices

CONVENTIONS = Conventions(USER_HEADER, ROUTED_BY, ERROR_DOMAIN, SUBJECT)


async def serve(settings: Settings) -> None:
    """Serve until SIGTERM."""
    async with AsyncExitStack() as closing:
        engine = await closing.enter_async_context(database(settings.database_url))
        title = await closing.enter_async_context(open_channel(settings.title_address, settings.egress))
        currency = await closing.enter_async_context(open_channel(settings.currency_address, settings.egress))
        quoting = Quoting(
            RemoteCatalogue(title, timedelta(minutes=settings.fallback_minutes)),
            RemoteExchange(currency),
            SqlPrices(engine),
            RULESETS[settings.ruleset],
        )
        servicer = PricingServicer(quoting)
        await service_kit.server.serve(
            settings.listen,
            lambda server: add_PricingServiceServicer_to_server(servicer, server),
            [SERVICE],
            STATUS,
            CONVENTIONS,
        )


async def load(settings: Settings) -> None:
    """Import prices and breaks from standard input, one JSON object a line."""
    async with database(settings.database_url, statement_timeout=0) as engine:
        count = await import_lines(sys.stdin, SqlPrices(engine))
    sys.stdout.write(f"{count} lines imported\n")


async def update_schema(settings: Settings) -> None:
    """Bring the database to the newest revision."""
    await migrate(settings.database_url)


def run() -> None:
    """The command line of the process."""
    commands = {"serve": serve, "migrate": update_schema, "import": load}
    refusals = (InvalidLine, NotTheWriter, Unavailable)
    run_command("pricing", Settings, CONVENTIONS, commands, refusals)


if __name__ == "__main__":
    run()
