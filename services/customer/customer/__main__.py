"""The process: everything is built here, in order, and closed in reverse."""

import sys
from contextlib import AsyncExitStack
from functools import partial

import service_kit.server
from common.conventions import ERROR_DOMAIN, ROUTED_BY, SUBJECT, USER_HEADER
from common.jsonlines import InvalidLine
from figtree.customer.v1.customer_pb2_grpc import add_CustomerServiceServicer_to_server
from service_kit.commands import run_command
from service_kit.context import Conventions

from customer.database import database, migrate
from customer.domain import NotTheWriter, StorageUnavailable
from customer.seed import accounts
from customer.service import Accounts
from customer.servicer import SERVICE, STATUS, CustomerServicer
from customer.settings import Settings
from customer.storage import SqlCustomers

CONVENTIONS = Conventions(USER_HEADER, ROUTED_BY, ERROR_DOMAIN, SUBJECT)


async def serve(settings: Settings) -> None:
    """Serve until SIGTERM."""
    async with AsyncExitStack() as closing:
        engine = await closing.enter_async_context(database(settings.database_url))
        servicer = CustomerServicer(Accounts(SqlCustomers(engine)))
        register = partial(add_CustomerServiceServicer_to_server, servicer)
        await service_kit.server.serve(settings.listen, register, [SERVICE], STATUS, CONVENTIONS)


async def load(settings: Settings) -> None:
    """Import accounts from standard input, one JSON object a line, all or none."""
    async with database(settings.database_url, statement_timeout=0) as engine:
        count = await Accounts(SqlCustomers(engine)).load(sys.stdin.buffer)
    sys.stdout.write(f"{count} customers imported\n")


async def seed(settings: Settings) -> None:
    """Fill an empty database with accounts."""
    async with database(settings.database_url) as engine:
        count = await Accounts(SqlCustomers(engine)).seed(accounts())
    sys.stdout.write(f"{count} customers seeded\n")


async def update_schema(settings: Settings) -> None:
    """Bring the database to the newest revision."""
    await migrate(settings.database_url)


def run() -> None:
    """The command line of the process."""
    commands = {"serve": serve, "migrate": update_schema, "import": load, "seed": seed}
    refusals = (InvalidLine, NotTheWriter, StorageUnavailable)
    run_command("customer", Settings, CONVENTIONS, commands, refusals)


if __name__ == "__main__":
    run()
