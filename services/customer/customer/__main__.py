"""The process: everything is built here, in order, and closed in reverse."""

import argparse
import sys
from contextlib import AsyncExitStack
from functools import partial

import service_kit.server
import tracing
from common.conventions import ERROR_DOMAIN, ROUTED_BY, SUBJECT, USER_HEADER
from common.jsonlines import InvalidLine
from figtree.customer.v1.customer_pb2_grpc import add_CustomerServiceServicer_to_server
from service_kit.context import Conventions
from service_kit.telemetry import configure_logging

from customer.database import database, migrate
from customer.domain import NotTheWriter, StorageUnavailable
from customer.seed import accounts
from customer.service import Accounts
from customer.servicer import SERVICE, STATUS, CustomerServicer
from customer.settings import Settings
from customer.storage import SqlCustomers

CONVENTIONS = Conventions(USER_HEADER, ROUTED_BY, ERROR_DOMAIN, SUBJECT)


async def serve(settings: Settings) -> None:
    tracing.configure("customer", settings.version, settings)
    async with AsyncExitStack() as closing:
        engine = await closing.enter_async_context(database(settings.database_url))
        servicer = CustomerServicer(Accounts(SqlCustomers(engine)))
        register = partial(add_CustomerServiceServicer_to_server, servicer)
        await service_kit.server.serve(settings.listen, register, [SERVICE], STATUS, CONVENTIONS)


async def load(settings: Settings) -> None:
    async with database(settings.database_url, statement_timeout=0) as engine:
        count = await Accounts(SqlCustomers(engine)).load(sys.stdin.buffer)
    sys.stdout.write(f"{count} customers imported\n")


async def seed(settings: Settings) -> None:
    async with database(settings.database_url) as engine:
        count = await Accounts(SqlCustomers(engine)).seed(accounts())
    sys.stdout.write(f"{count} customers seeded\n")


async def main(command: str, settings: Settings) -> None:
    match command:
        case "migrate":
            await migrate(settings.database_url)
        case "import":
            await load(settings)
        case "seed":
            await seed(settings)
        case _:
            await serve(settings)


def run() -> None:
    parser = argparse.ArgumentParser("customer", description="The accounts of libraries")
    parser.add_argument("command", nargs="?", default="serve", choices=["serve", "migrate", "import", "seed"])
    command = parser.parse_args().command
    settings = Settings()
    configure_logging("customer", settings.version, CONVENTIONS, settings.log_level, settings.log_hash_key)
    try:
        service_kit.server.run(lambda: main(command, settings))
    except (InvalidLine, NotTheWriter, StorageUnavailable) as error:
        sys.exit(f"customer {command}: {error}")


if __name__ == "__main__":
    run()
