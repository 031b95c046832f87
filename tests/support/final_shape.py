"""The last shape without a mesh: every service and the gateway as processes on loopback, each with its own database."""

import asyncio
import io
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from tests.support.postgres import Postgres
from tests.support.processes import accepts, answers_http, command, finish, free_port, running

OWNED = {
    "title": ("titles",),
    "currency": ("rates",),
    "pricing": ("list_prices", "price_breaks"),
    "order": ("orders", "order_lines", "order_events"),
    "customer": (),
}
COLUMNS = "select column_name from information_schema.columns where table_name = $1"


@dataclass(frozen=True)
class FinalShape:
    gateway: str
    addresses: dict[str, str]  # the settings by which the services are found
    databases: dict[str, str]  # their URLs, by service


@contextmanager
def final_shape(postgres: Postgres, monolith_database: str, logs: Path) -> Iterator[FinalShape]:
    """The services hold the rows that the monolith holds now."""
    ports = {name: free_port() for name in (*OWNED, "nats", "gateway")}
    addresses = {f"{name.upper()}_ADDRESS": f"127.0.0.1:{ports[name]}" for name in OWNED}
    databases: dict[str, str] = {}
    with ExitStack() as stopping:
        stopping.enter_context(_nats(ports["nats"], logs))
        for name, tables in OWNED.items():
            url = databases[name] = postgres.create(name)
            finish(name, "migrate", DATABASE_URL=url)
            if name == "customer":
                finish(name, "seed", DATABASE_URL=url)
            asyncio.run(_copy(monolith_database, url, tables))
            stopping.enter_context(
                running(
                    command(name),
                    logs / name,
                    accepts(ports[name]),
                    DATABASE_URL=url,
                    LISTEN=f"127.0.0.1:{ports[name]}",
                    NATS_URL=f"nats://127.0.0.1:{ports['nats']}",
                    **addresses,
                )
            )
        gateway = ports["gateway"]
        stopping.enter_context(
            running(
                command("gateway"),
                logs / "gateway",
                answers_http(gateway),
                LISTEN=f"127.0.0.1:{gateway}",
                **addresses,
            )
        )
        yield FinalShape(f"http://127.0.0.1:{gateway}", addresses, databases)


async def _copy(source_url: str, target_url: str, tables: tuple[str, ...]) -> None:
    source, target = await asyncpg.connect(source_url), await asyncpg.connect(target_url)
    try:
        for table in tables:
            found = await source.fetch(COLUMNS, table)
            columns = [row["column_name"] for row in found]
            rows = io.BytesIO()
            await source.copy_from_table(table, columns=columns, output=rows, format="binary")
            rows.seek(0)
            await target.copy_to_table(table, columns=columns, source=rows, format="binary")
    finally:
        await source.close()
        await target.close()


@contextmanager
def _nats(port: int, logs: Path) -> Iterator[None]:
    program = str(Path(sys.executable).with_name("nats-server"))
    words = (program, "-a", "127.0.0.1", "-p", str(port), "-js", "-sd", str(logs / "jetstream"))
    with running(words, logs / "nats", accepts(port)):
        yield
