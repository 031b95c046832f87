"""A stream that is silent for longer than something on its way allows a connection to be."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any, cast

import grpc
import pytest
from grpc import aio
from service_kit import channel, server

from tests.support.idle import balancer

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
        async with balancer(port, CUT) as way, channel.open_channel(f"127.0.0.1:{way}") as neighbour:
            call: AsyncIterator[bytes] = cast("Any", neighbour).unary_stream("/any/Watch")(b"")
            assert [message async for message in call] == [b"first", b"last"]
    finally:
        await serving.stop(None)
