"""Where each module answers: in this process, or as a service of its own."""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any, Generic, TypeVar

from rest_api.errors import Unavailable
from sqlalchemy import CheckConstraint, Column, MetaData, Table, Text, select
from sqlalchemy.ext.asyncio import AsyncEngine

from monolith.database import AGAIN, Database

log = logging.getLogger(__name__)

Port = TypeVar("Port")
EVERY = 5.0  # seconds after which the table is read although no change was notified

metadata = MetaData()
module_placement = Table(
    "module_placement",
    metadata,
    Column("module", Text, primary_key=True),
    Column("place", Text, CheckConstraint("place IN ('local', 'remote')"), nullable=False),
)


class LocalOrRemote(Generic[Port]):
    """The two sides of one module. Calling it returns the one that answers now."""

    def __init__(self, module: str, local: Port, remote: Port) -> None:
        self.module = module
        self.local = local
        self.remote = remote
        self.is_remote = False

    def __call__(self) -> Port:
        return self.remote if self.is_remote else self.local


class Placement:
    """Sets the side of each module to what the table says."""

    def __init__(self, engine: AsyncEngine, modules: Sequence[LocalOrRemote[Any]]) -> None:
        self._engine = engine
        self._database = Database(engine)
        self._modules = modules

    async def read(self) -> None:
        """Read the table and switch each module to the side that it names."""
        found = await self._database.rows(select(module_placement))
        places = {row.module: row.place for row in found}
        for module in self._modules:
            is_remote = places.get(module.module) == "remote"
            if is_remote != module.is_remote:
                log.info("%s is %s now", module.module, "remote" if is_remote else "local")
                module.is_remote = is_remote

    async def follow(self) -> None:
        """Read the table at each change; what was read last holds while the database is away."""
        while True:
            try:
                async with _listen(self._engine, module_placement.name) as changes:
                    while True:
                        await self.read()
                        await changes.wait(EVERY)
            except Exception as error:
                log.warning("placement is not readable: %r", error)
                await asyncio.sleep(1)


class _Changes:
    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self._notified = asyncio.Event()
        connection.add_termination_listener(self.notify)

    def notify(self, *_: object) -> None:
        self._notified.set()

    async def wait(self, seconds: float) -> None:
        """Until the channel is notified, or for so long. Raises Unavailable if the connection is lost."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._notified.wait()
        self._notified.clear()
        if self._connection.is_closed():
            raise Unavailable(AGAIN)


@asynccontextmanager
async def _listen(engine: AsyncEngine, channel: str) -> AsyncIterator[_Changes]:
    async with engine.connect() as connection:
        driver: Any = (await connection.get_raw_connection()).driver_connection
        changes = _Changes(driver)
        try:
            await driver.add_listener(channel, changes.notify)
            yield changes
        finally:
            await connection.invalidate()  # the pool must not hand out a connection that listens
