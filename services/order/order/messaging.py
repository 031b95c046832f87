"""The connection to NATS. While it is down orders wait in the outbox, and this keeps trying."""

import asyncio
import json
import logging
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress

import nats
import nats.errors
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js import JetStreamContext
from nats.js.api import AckPolicy, ConsumerConfig, StreamConfig
from nats.js.errors import NotFoundError
from opentelemetry.trace import SpanKind
from service_kit.context import on_behalf_of
from tracing import Traces, span

from order.domain import NEXT, Event
from order.fulfilment import Fulfilment, written
from order.outbox import Relay
from order.tasks import until_one_ends

log = logging.getLogger(__name__)

STREAM = "ORDERS"
SUBJECT = "orders.{status}"
CONSUMER = "fulfilment"
ACK_SECONDS = 10.0
KEEP_SECONDS = 24 * 3600.0
PULL = 500
PULL_SECONDS = 5.0
SHORTEST_PAUSE, LONGEST_PAUSE = 0.1, 1.6
NATS = {"messaging__system": "nats", "messaging__destination__name": STREAM}
STABLE_SECONDS = 10.0  # a connection that held for so long was a good one


def stream() -> StreamConfig:
    """The stream of all events."""
    return StreamConfig(
        name=STREAM,
        subjects=[SUBJECT.format(status="*")],
        max_age=KEEP_SECONDS,
        duplicate_window=120.0,
        allow_direct=True,
    )


def consumer(ack_seconds: float) -> ConsumerConfig:
    """The durable consumer of fulfilment; the server delivers again what is not acknowledged within so many seconds."""
    return ConsumerConfig(
        durable_name=CONSUMER,
        ack_policy=AckPolicy.EXPLICIT,
        ack_wait=ack_seconds,
        max_deliver=-1,
        max_ack_pending=20_000,
        filter_subjects=[SUBJECT.format(status=status) for status in NEXT],
    )


class NatsMessage:
    """A message of JetStream."""

    def __init__(self, message: Msg) -> None:
        self._message = message
        self.data = message.data

    @property
    def trace(self) -> Mapping[str, str]:
        """Its headers."""
        return self._message.headers or {}

    @property
    def deliveries(self) -> int:
        """How often it was delivered, this time included."""
        return int(self._message.metadata.num_delivered)

    async def done(self) -> None:
        """Acknowledge it."""
        with suppress(nats.errors.Error):  # then it comes again, which does no harm
            await self._message.ack()

    async def later(self, seconds: float) -> None:
        """Have it delivered again after so many seconds."""
        with suppress(nats.errors.Error):
            await self._message.nak(seconds)

    async def drop(self) -> None:
        """Have it never delivered again."""
        with suppress(nats.errors.Error):
            await self._message.term()


class Puller:
    """Messages one by one as soon as they come: the library's `fetch` of many waits until it has them all."""

    def __init__(self, client: Client, inbox: str) -> None:
        self.received: asyncio.Queue[Msg] = asyncio.Queue()
        self._client = client
        self._inbox = inbox
        self._left = 0

    async def next(self) -> NatsMessage:
        """The next message. Raises ConnectionError if the consumer is gone."""
        while True:
            if not self._left:
                pull = {"batch": PULL, "expires": int(PULL_SECONDS * 1e9)}
                subject = f"$JS.API.CONSUMER.MSG.NEXT.{STREAM}.{CONSUMER}"
                await self._client.publish(subject, json.dumps(pull).encode(), reply=self._inbox)
                self._left = PULL
            if self.received.empty():
                async with asyncio.timeout(PULL_SECONDS * 2):
                    message = await self.received.get()
            else:
                message = self.received.get_nowait()
            status = (message.headers or {}).get("Status")
            if status is None:
                self._left -= 1
                return NatsMessage(message)
            if status not in ("404", "408"):
                raise ConnectionError(f"the consumer is gone: {message.headers}")
            self._left = 0


class Messaging:
    """Connects the relay and the fulfilment to NATS, again and again."""

    def __init__(self, url: str, relay: Relay, fulfilment: Fulfilment, traces: Traces, delay: float) -> None:
        self._url = url
        self._relay = relay
        self._fulfilment = fulfilment
        self._traces = traces
        self._ack_seconds = ACK_SECONDS + delay

    async def run(self) -> None:
        """For ever."""
        pause = SHORTEST_PAUSE
        while True:
            started, closed = time.monotonic(), asyncio.Event()
            try:
                async with asyncio.timeout(5):
                    client = await self._connect(closed)
                await self._work(client, closed)
            except Exception as error:
                if time.monotonic() - started > STABLE_SECONDS:
                    pause = SHORTEST_PAUSE
                if pause == SHORTEST_PAUSE:
                    log.warning("events wait in the outbox until NATS is back: %r", error)
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE)

    async def _connect(self, closed: asyncio.Event) -> Client:
        async def ignored(_: Exception) -> None: ...

        async def close() -> None:
            closed.set()

        # reconnecting is done above: a new connection also looks for the stream and the consumer again
        return await nats.connect(
            self._url,
            name="order",
            allow_reconnect=False,
            max_reconnect_attempts=1,  # of the first connection, with allow_reconnect or without
            reconnect_time_wait=0,
            connect_timeout=2,
            ping_interval=5,
            max_outstanding_pings=2,
            error_cb=ignored,
            closed_cb=close,
        )

    async def _work(self, client: Client, closed: asyncio.Event) -> None:
        try:
            jetstream = client.jetstream()
            if await self._prepare(jetstream):
                await self._relay.requeue()
            log.info("connected to NATS")
            inbox = client.new_inbox()
            puller = Puller(client, inbox)
            subscription = await client.subscribe(inbox, cb=puller.received.put)

            async def publish(events: Sequence[Event]) -> None:
                await self._publish(jetstream, events)

            try:
                await until_one_ends(
                    self._relay.run(publish), self._fulfilment.take(puller.next), _fail_when(closed)
                )
            except asyncio.CancelledError:  # this process ends
                with suppress(nats.errors.Error):
                    await subscription.unsubscribe()  # or it would all come back to us
                    await self._fulfilment.hand_back()
                    await client.flush(1)
                raise
        finally:
            await client.close()

    async def _prepare(self, jetstream: JetStreamContext) -> bool:
        """Make stream and consumer what they have to be; whether the stream is new, or new again."""
        try:
            await jetstream.stream_info(STREAM)
            is_new = False
        except NotFoundError:
            await jetstream.add_stream(stream())
            is_new = True
        await jetstream.add_consumer(STREAM, consumer(self._ack_seconds))
        return is_new

    async def _publish(self, jetstream: JetStreamContext, events: Sequence[Event]) -> None:
        acknowledged = []
        for event in events:
            subject, identity = (
                SUBJECT.format(status=event.status),
                {"Nats-Msg-Id": f"{event.order_id}:{event.sequence}"},
            )
            with span(
                f"{subject} publish", SpanKind.PRODUCER, self._traces.of(event.order_id), **NATS
            ) as trace:
                acknowledged.append(
                    await jetstream.publish_async(subject, written(event), headers={**identity, **trace})
                )
            if trace:  # not for every order: this runs for each event
                with on_behalf_of(trace):
                    log.info("order %s is %s", event.order_id, event.status)
        async with asyncio.timeout(5):
            await asyncio.gather(*acknowledged)


async def _fail_when(closed: asyncio.Event) -> None:
    await closed.wait()
    raise ConnectionError("the connection is closed")
