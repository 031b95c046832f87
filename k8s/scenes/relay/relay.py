"""relay.py PORT=HOST:PORT …   hands every connection on as it comes: whoever runs this is its caller."""

import asyncio
import contextlib
import sys


async def carry(reader, writer):
    with contextlib.suppress(OSError):
        while chunk := await reader.read(65536):
            writer.write(chunk)
            await writer.drain()
    with contextlib.suppress(OSError):
        writer.close()


async def listen(port, host, target):
    async def accept(reader, writer):
        try:
            there, back = await asyncio.open_connection(host, target)
        except OSError:
            writer.close()
            return
        await asyncio.gather(carry(reader, back), carry(there, writer))

    server = await asyncio.start_server(accept, "127.0.0.1", port)
    await server.serve_forever()


async def main():
    wishes = (wish.partition("=") for wish in sys.argv[1:])
    async with asyncio.TaskGroup() as group:
        for port, _, there in wishes:
            host, _, target = there.rpartition(":")
            group.create_task(listen(int(port), host, int(target)))


asyncio.run(main())
