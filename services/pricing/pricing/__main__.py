"""The composition root: `pricing` serves, `pricing migrate`, `pricing import`."""

import sys
from contextlib import AsyncExitStack

import tracing
import uvloop
from common.conventions import ERROR_DOMAIN, ROUTED_BY, SUBJECT, USER_HEADER
from figtree.pricing.v1.pricing_pb2_grpc import add_PricingServiceServicer_to_server
from service_kit.channel import open_channel
from service_kit.context import Conventions
from service_kit.server import serve
from service_kit.telemetry import configure_logging

from pricing.back_office import InvalidLine, import_lines
from pricing.clients import RemoteCatalogue, RemoteExchange
from pricing.database import database, migrate
from pricing.domain import RULESETS, NotTheWriter, Unavailable
from pricing.service import Quoting
from pricing.servicer import SERVICE, STATUS, PricingServicer
from pricing.settings import Settings
from pricing.storage import SqlPrices

CONVENTIONS = Conventions(USER_HEADER, ROUTED_BY, ERROR_DOMAIN, SUBJECT)


async def serving(settings: Settings) -> None:
    tracing.configure("pricing", settings.version, settings)
    async with AsyncExitStack() as closing:
        engine = await closing.enter_async_context(database(settings.database_url))
        title = await closing.enter_async_context(open_channel(settings.title_address, settings.egress))
        currency = await closing.enter_async_context(open_channel(settings.currency_address, settings.egress))
        quoting = Quoting(
            RemoteCatalogue(title), RemoteExchange(currency), SqlPrices(engine), RULESETS[settings.ruleset]
        )
        servicer = PricingServicer(quoting)
        await serve(
            settings.listen,
            lambda server: add_PricingServiceServicer_to_server(servicer, server),
            [SERVICE],
            STATUS,
            CONVENTIONS,
        )


async def importing(settings: Settings) -> None:
    async with database(settings.database_url, statement_timeout=0) as engine:
        count = await import_lines(sys.stdin, SqlPrices(engine))
    sys.stdout.write(f"{count} lines imported\n")


def run() -> None:
    settings = Settings()
    configure_logging("pricing", settings.version, CONVENTIONS, settings.log_level, settings.log_hash_key)
    match sys.argv[1:]:
        case [] | ["serve"]:
            uvloop.run(serving(settings))
        case ["migrate" | "import" as command]:
            try:
                uvloop.run(importing(settings) if command == "import" else migrate(settings.database_url))
            except (InvalidLine, NotTheWriter, Unavailable) as error:
                sys.exit(f"pricing {command}: {error}")
        case _:
            sys.exit("usage: pricing [serve | migrate | import < lines.json]")


if __name__ == "__main__":
    run()
