"""The queue, seen from outside: what went through it, and putting something into it by hand."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import nats
from nats.js import JetStreamContext
from nats.js.api import DiscardPolicy
from runtime.api import Runtime

STREAM, CONSUMER = "ORDERS", "fulfilment"


class Queue:
    def __init__(self, stream: JetStreamContext) -> None:
        self._stream = stream

    async def last(self) -> int:
        """The number of the newest event."""
        return int((await self._stream.stream_info(STREAM)).state.last_seq)

    async def delivered(self) -> int:
        """How often an event was handed to the consumer, repetitions included."""
        delivered = (await self._stream.consumer_info(STREAM, CONSUMER)).delivered
        return int(delivered.consumer_seq) if delivered else 0

    async def in_hand(self) -> int:
        """Events that the consumer has and did not acknowledge yet."""
        return int((await self._stream.consumer_info(STREAM, CONSUMER)).num_ack_pending or 0)

    async def is_idle(self) -> bool:
        info = await self._stream.consumer_info(STREAM, CONSUMER)
        return not info.num_pending and not info.num_ack_pending

    async def events(self, first: int, last: int) -> list[tuple[str, bytes, str]]:
        """Subject, content and message id of each of these events."""
        messages = await asyncio.gather(
            *(self._stream.get_msg(STREAM, seq=number) for number in range(first, last + 1))
        )
        return [(m.subject or "", m.data or b"", (m.headers or {}).get("Nats-Msg-Id", "")) for m in messages]

    async def close(self) -> None:
        """From now on the queue refuses every new event, as if its disk were full."""
        info = await self._stream.stream_info(STREAM)
        await self._stream.update_stream(
            info.config.evolve(max_msgs=info.state.messages, discard=DiscardPolicy.NEW)
        )

    async def reopen(self) -> None:
        info = await self._stream.stream_info(STREAM)
        await self._stream.update_stream(info.config.evolve(max_msgs=-1, discard=DiscardPolicy.OLD))

    async def put(self, subject: str, content: bytes, message_id: str = "") -> bool:
        """Whether the queue took it; with an id that it knows, it does not."""
        headers = {"Nats-Msg-Id": message_id or f"by-hand-{uuid.uuid4()}"}
        taken = await self._stream.publish(subject, content, headers=headers)
        return not taken.duplicate


@asynccontextmanager
async def opened(runtime: Runtime) -> AsyncIterator[Queue]:
    client = await nats.connect(await runtime.databases.nats_url(), name="scene", connect_timeout=5)
    try:
        yield Queue(client.jetstream())
    finally:
        await client.close()
