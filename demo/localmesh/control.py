"""What the supervisor says of its instance (localmesh.api.Supervisor)."""

import asyncio
import os

from localmesh.api import Info
from localmesh.infrastructure import Infrastructure


class Control:
    def __init__(self, infrastructure: Infrastructure) -> None:
        self._infra = infrastructure
        self.ready = False
        self.failure = ""
        self.ended = asyncio.Event()

    async def info(self) -> Info:
        instance = self._infra.instance
        return Info(
            os.getpid(),
            instance.name,
            instance.mesh,
            self.ready,
            self.failure,
            instance.block,
            instance.edge_port,
            instance.page_port,
            instance.page_key,
            instance.ports,
        )

    async def collector(self) -> str:
        return self._infra.collector

    async def down(self) -> None:
        self.ended.set()
