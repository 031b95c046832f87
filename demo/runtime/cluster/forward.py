"""Ports of pods on this machine's loopback, as `kubectl port-forward` makes them, but for whichever pod is there now.

A connection enters the pod's network at its loopback: it meets the process itself and no sidecar.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from urllib.parse import quote

from websockets.asyncio.client import ClientConnection, unix_connect
from websockets.exceptions import WebSocketException

from runtime.api import RuntimeFailure
from runtime.cluster.kubectl import Kubectl

PROTOCOL = "v4.channel.k8s.io"
DATA, ERROR = 0, 1  # channels; the first message of each is the number of the port
CHUNK = 32 * 1024
GOODBYE = (
    b"X\0\0\0\4"  # PostgreSQL's; that the other side has closed is told a second late through such a tunnel
)

Pod = tuple[str, str]  # namespace and name


class Forwards:
    """Ports of this machine that lead to ports of pods, through the API server."""

    def __init__(self, kubectl: Kubectl) -> None:
        self._kubectl = kubectl
        self._open: dict[tuple[str, int], tuple[asyncio.Server, int]] = {}
        self._loop: asyncio.AbstractEventLoop | None = None

    async def port(self, name: str, port: int, pod: Callable[[], Awaitable[Pod]]) -> int:
        """A port on 127.0.0.1 whose connections go to that port of the pod that `pod` names when they are made."""
        loop = asyncio.get_running_loop()
        if self._loop is not loop:
            self._open, self._loop = {}, loop
        if (name, port) not in self._open:

            async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                with contextlib.suppress(OSError, WebSocketException, RuntimeFailure, asyncio.CancelledError):
                    await self._carry(reader, writer, await pod(), port)
                writer.close()

            server = await asyncio.start_server(accept, "127.0.0.1", 0)
            self._open[name, port] = (server, server.sockets[0].getsockname()[1])
        return self._open[name, port][1]

    async def close(self) -> None:
        """No new connections; those that are open end with their event loop."""
        for server, _ in self._open.values():
            server.close()
        self._open = {}

    async def _carry(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, pod: Pod, port: int
    ) -> None:
        namespace, name = map(quote, pod)
        uri = f"ws://localhost/api/v1/namespaces/{namespace}/pods/{name}/portforward?ports={port}"
        async with unix_connect(
            self._kubectl.socket(),
            uri,
            subprotocols=[PROTOCOL],
            compression=None,
            ping_interval=None,
            max_size=None,
            open_timeout=10,
            close_timeout=1,
            proxy=None,
        ) as tunnel:
            sending = asyncio.create_task(_send(reader, tunnel))
            try:
                await _receive(tunnel, writer)
            finally:
                sending.cancel()
                with contextlib.suppress(asyncio.CancelledError, OSError, WebSocketException):
                    await sending


async def _send(reader: asyncio.StreamReader, tunnel: ClientConnection) -> None:
    while chunk := await reader.read(CHUNK):
        await tunnel.send(bytes([DATA]) + chunk)
        if chunk == GOODBYE:
            break
    await tunnel.close()


async def _receive(tunnel: ClientConnection, writer: asyncio.StreamWriter) -> None:
    greeted: set[int] = set()
    async for message in tunnel:
        assert isinstance(message, bytes)
        channel, content = message[0], message[1:]
        if channel not in greeted:
            greeted.add(channel)
            content = content[2:]
        if channel == ERROR and content:
            return
        if channel == DATA and content:
            writer.write(content)
            await writer.drain()
