"""The process: everything is built here, in order, and closed in reverse."""

import sys
from contextlib import AsyncExitStack
from functools import partial

import service_kit.server
from common.conventions import ERROR_DOMAIN, ROUTED_BY, SUBJECT, USER_HEADER
from common.jsonlines import InvalidLine
from figtree.currency.v1.currency_pb2_grpc import add_CurrencyServiceServicer_to_server
from service_kit.commands import run_command
from service_kit.context import Conventions

from currency.cache import CachedRates
from currency.database import database, migrate
from currency.domain import NotTheWriter, StorageUnavailable
from currency.service import Exchange
from currency.servicer import SERVICE, STATUS, CurrencyServicer
from currency.settings import Settings
from currency.storage import SqlRates

CONVENTIONS = Conventions(USER_HEADER, ROUTED_BY, ERROR_DOMAIN, SUBJECT)


async def serve(settings: Settings) -> None:
    """Serve until SIGTERM."""
    async with AsyncExitStack() as closing:
        engine = await closing.enter_async_context(database(settings.database_url))
        servicer = CurrencyServicer(Exchange(CachedRates(SqlRates(engine))))
        register = partial(add_CurrencyServiceServicer_to_server, servicer)
        await service_kit.server.serve(settings.listen, register, [SERVICE], STATUS, CONVENTIONS)


async def load(settings: Settings) -> None:
    """Import rates from standard input, one JSON object a line, all or none."""
    async with database(settings.database_url, statement_timeout=0) as engine:
        count = await Exchange(SqlRates(engine)).load(sys.stdin.buffer)
    sys.stdout.write(f"{count} rates imported\n")


async def update_schema(settings: Settings) -> None:
    """Bring the database to the newest revision."""
    await migrate(settings.database_url)


def run() -> None:
    """The command line of the process."""
    commands = {"serve": serve, "migrate": update_schema, "import": load}
    refusals = (InvalidLine, NotTheWriter, StorageUnavailable)
    run_command("currency", Settings, CONVENTIONS, commands, refusals)


if __name__ == "__main__":
    run()
