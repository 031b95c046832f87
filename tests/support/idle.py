"""A balancer that cuts silent connections, and a server to put behind it."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn
from starlette.types import ASGIApp


@asynccontextmanager
async def balancer(port: int, cut: float) -> AsyncIterator[int]:
    """A port that leads to the other one, and cuts a connection on which nothing was sent for `cut` seconds."""

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        onward, backward = await asyncio.open_connection("127.0.0.1", port)
        heard = asyncio.Event()

        async def pump(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
            while data := await source.read(65536):
                heard.set()
                target.write(data)

        pumps = [asyncio.create_task(pump(reader, backward)), asyncio.create_task(pump(onward, writer))]
        try:
            while not any(one.done() for one in pumps):
                heard.clear()
                await asyncio.wait_for(heard.wait(), cut)
        except TimeoutError:
            pass
        finally:
            for one in pumps:
                one.cancel()
            writer.close()
            backward.close()

    listening = await asyncio.start_server(connected, "127.0.0.1", 0)
    try:
        yield listening.sockets[0].getsockname()[1]
    finally:
        listening.close()


@asynccontextmanager
async def served(application: ASGIApp) -> AsyncIterator[int]:
    """The port of 127.0.0.1 on which the application answers; its lifespan is the caller's."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = uvicorn.Server(uvicorn.Config(application, lifespan="off", log_level="warning"))
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            yield listener.getsockname()[1]
        finally:
            server.should_exit = True
            await serving
