"""The process: everything is built here, in order, and closed in reverse."""

import argparse
import sys
from contextlib import AsyncExitStack
from functools import partial

import service_kit.server
import tracing
from common.conventions import ERROR_DOMAIN, ROUTED_BY, SUBJECT, USER_HEADER
from common.jsonlines import InvalidLine
from figtree.title.v1.title_pb2_grpc import add_TitleServiceServicer_to_server
from service_kit.context import Conventions
from service_kit.telemetry import configure_logging

from title.database import database, migrate
from title.domain import NotTheWriter, StorageUnavailable
from title.service import Catalogue
from title.servicer import SERVICE, STATUS, TitleServicer
from title.settings import Settings
from title.storage import SqlTitles

CONVENTIONS = Conventions(USER_HEADER, ROUTED_BY, ERROR_DOMAIN, SUBJECT)


async def serve(settings: Settings) -> None:
    tracing.configure("title", settings.version, settings)
    async with AsyncExitStack() as closing:
        engine = await closing.enter_async_context(database(settings.database_url))
        servicer = TitleServicer(Catalogue(SqlTitles(engine)))
        register = partial(add_TitleServiceServicer_to_server, servicer)
        await service_kit.server.serve(settings.listen, register, [SERVICE], STATUS, CONVENTIONS)


async def load(settings: Settings) -> None:
    async with database(settings.database_url, statement_timeout=0) as engine:
        count = await Catalogue(SqlTitles(engine)).load(sys.stdin.buffer)
    sys.stdout.write(f"{count} titles imported\n")


async def main(command: str, settings: Settings) -> None:
    match command:
        case "migrate":
            await migrate(settings.database_url)
        case "import":
            await load(settings)
        case _:
            await serve(settings)


def run() -> None:
    parser = argparse.ArgumentParser("title", description="The catalogue")
    parser.add_argument("command", nargs="?", default="serve", choices=["serve", "migrate", "import"])
    command = parser.parse_args().command
    settings = Settings()
    configure_logging("title", settings.version, CONVENTIONS, settings.log_level, settings.log_hash_key)
    try:
        service_kit.server.run(lambda: main(command, settings))
    except (InvalidLine, NotTheWriter, StorageUnavailable) as error:
        sys.exit(f"title {command}: {error}")


if __name__ == "__main__":
    run()
