"""Where each module answers: here, or as a service of its own."""

import asyncio
import logging
from collections.abc import Sequence
from typing import Any, Generic, TypeVar

from sqlalchemy import CheckConstraint, Column, Table, Text, select

from monolith.database import Database, metadata

log = logging.getLogger(__name__)

Port = TypeVar("Port")
EVERY = 5.0  # seconds after which it is read although nobody has told of a change

module_placement = Table(
    "module_placement",
    metadata,
    Column("module", Text, primary_key=True),
    Column("place", Text, CheckConstraint("place IN ('local', 'remote')"), nullable=False),
)


class Choice(Generic[Port]):
    """Calling it gives the port that answers now."""

    def __init__(self, module: str, local: Port, remote: Port) -> None:
        self.module = module
        self.local = local
        self.remote = remote
        self.is_remote = False

    def __call__(self) -> Port:
        return self.remote if self.is_remote else self.local


class Placement:
    def __init__(self, database: Database, choices: Sequence[Choice[Any]]) -> None:
        self._database = database
        self._choices = choices

    async def read(self) -> None:
        found = await self._database.rows(select(module_placement))
        places = {row.module: row.place for row in found}
        for choice in self._choices:
            is_remote = places.get(choice.module) == "remote"
            if is_remote != choice.is_remote:
                log.info("%s is %s now", choice.module, "remote" if is_remote else "local")
                choice.is_remote = is_remote

    async def follow(self) -> None:
        """Read it whenever its trigger tells of a change; what was read last holds while the database is away."""
        while True:
            try:
                async with self._database.listening(module_placement.name) as changes:
                    while True:
                        await self.read()
                        await changes.told(EVERY)
            except Exception as error:
                log.warning("placement is not readable: %r", error)
                await asyncio.sleep(1)
