"""A socket whose connections go on, byte by byte, to an address that is looked up for each of them."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Awaitable, Callable

Find = Callable[[], Awaitable[str | None]]
CHUNK = 64 * 1024


def always(address: str) -> Find:
    """The same address for each connection."""

    async def find() -> str:
        return address

    return find


@contextlib.asynccontextmanager
async def relayed(listener: socket.socket, find: Find) -> AsyncIterator[None]:
    """While the block runs. A connection for which `find` has no address, or whose address refuses it, is closed."""
    open_now: set[asyncio.Task[None] | None] = set()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        open_now.add(task := asyncio.current_task())
        with contextlib.suppress(asyncio.CancelledError, OSError), contextlib.closing(writer):
            if (address := await find()) is not None:
                await _carry(reader, writer, address)
        open_now.discard(task)

    server = await asyncio.start_server(accept, sock=listener)
    try:
        yield
    finally:
        server.close()
        for task in open_now:
            if task is not None:
                task.cancel()


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, address: str) -> None:
    """Until both sides have said all, or one has gone."""
    host, _, port = address.rpartition(":")
    upstream_reader, upstream_writer = await asyncio.open_connection(host, int(port))
    with contextlib.closing(upstream_writer):
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(_copy(reader, upstream_writer))
                group.create_task(_copy(upstream_reader, writer))
        except* OSError:
            pass


async def _copy(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    while chunk := await source.read(CHUNK):
        target.write(chunk)
        await target.drain()
    target.write_eof()
