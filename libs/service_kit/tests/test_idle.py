"""A stream that is silent for longer than something on its way allows a connection to be."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

import grpc
import pytest
from grpc import aio
from service_kit import channel, server

CUT = 3.6  # seconds of silence after which the balancer closes a connection; real ones allow 60 or more
SILENT = 4 * CUT


class Silent(grpc.GenericRpcHandler):
    """One stream: a message, a long silence, and another message."""

    def service(self, details: Any) -> Any:
        async def answer(_: bytes, __: Any) -> AsyncIterator[bytes]:
            yield b"first"
            await asyncio.sleep(SILENT)
            yield b"last"

        return grpc.unary_stream_rpc_method_handler(answer)


@asynccontextmanager
async def balancer(port: int) -> AsyncIterator[int]:
    """A port that leads to the other one, and cuts a connection on which nothing was sent for CUT seconds."""

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
                await asyncio.wait_for(heard.wait(), CUT)
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


async def test_a_silent_stream_outlives_the_shortest_idle_limit_on_its_way(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def hurried(options: list[tuple[str, Any]], **values: int) -> list[tuple[str, Any]]:
        return [(name, values.get(name.rpartition(".")[2], value)) for name, value in options]

    monkeypatch.setattr(channel, "OPTIONS", hurried(channel.OPTIONS, keepalive_time_ms=int(1000 * CUT / 3)))
    serving = aio.server(options=hurried(server.OPTIONS, min_ping_interval_without_data_ms=100))
    serving.add_generic_rpc_handlers((Silent(),))
    port = serving.add_insecure_port("127.0.0.1:0")
    await serving.start()
    try:
        async with balancer(port) as way, channel.open_channel(f"127.0.0.1:{way}") as neighbour:
            call: AsyncIterator[bytes] = cast("Any", neighbour).unary_stream("/any/Watch")(b"")
            assert [message async for message in call] == [b"first", b"last"]
    finally:
        await serving.stop(None)
