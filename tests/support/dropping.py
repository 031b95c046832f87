"""A proxy of TCP connections that cuts some of them right when a request arrives."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass


@dataclass(slots=True)
class Dropping:
    url: str = ""
    dropped: int = 0


@asynccontextmanager
async def dropping(port: int, share: float, seed: int = 1) -> AsyncIterator[Dropping]:
    state, chance, tasks = Dropping(), random.Random(seed), set[asyncio.Task[None]]()

    async def connection(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        upstream_reader, upstream_writer = await asyncio.open_connection("127.0.0.1", port)

        async def answers() -> None:
            while data := await upstream_reader.read(65536):
                writer.write(data)

        answering = asyncio.create_task(answers())
        tasks.add(answering)
        with suppress(ConnectionError):
            while data := await reader.read(65536):
                if data.startswith((b"GET /api/titles", b"POST /api/orders ")) and chance.random() < share:
                    state.dropped += 1
                    break
                upstream_writer.write(data)
        upstream_writer.close()
        writer.close()

    server = await asyncio.start_server(connection, "127.0.0.1", 0)
    state.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    yield state
    server.close()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
