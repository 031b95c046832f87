"""The edge without a mesh: a new connection goes to the monolith while it serves, else to the gateway."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from localmesh.fleet import Fleet

ENTRANCES = ("monolith", "gateway")
CHUNK = 64 * 1024


@contextlib.asynccontextmanager
async def serving_edge(fleet: Fleet, port: int) -> AsyncIterator[None]:
    """Carry connections to 127.0.0.1:port inside the block; those that nobody can take are closed."""

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError), contextlib.closing(writer):
            if (address := await _entrance(fleet)) is not None:
                host, _, there = address.rpartition(":")
                await _carry(reader, writer, *await asyncio.open_connection(host, int(there)))

    # The instance holds the port, bound and not listening, so that no other one takes it.
    server = await asyncio.start_server(accept, "127.0.0.1", port, reuse_port=True)
    try:
        yield
    finally:
        server.close()


async def _entrance(fleet: Fleet) -> str | None:
    for workload in ENTRANCES:
        if any(replica.state == "ready" for replica in fleet.replicas(workload)):
            return await fleet.address(workload)
    return None


async def _carry(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    upstream_reader: asyncio.StreamReader,
    upstream_writer: asyncio.StreamWriter,
) -> None:
    """Until either side ends the connection; what was read before is still sent."""
    ways = [
        asyncio.create_task(_copy(reader, upstream_writer)),
        asyncio.create_task(_copy(upstream_reader, writer)),
    ]
    try:
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for way in ways:
            way.cancel()
        await asyncio.gather(*ways, return_exceptions=True)
        upstream_writer.close()


async def _copy(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    while chunk := await source.read(CHUNK):
        target.write(chunk)
        await target.drain()
