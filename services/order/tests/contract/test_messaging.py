"""The outbox and fulfilment over a real NATS server, which is stopped, emptied and started again."""

import asyncio
import json
import logging
import shutil
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

import jsonschema_rs
import nats
import pytest
from nats.js import JetStreamContext
from order.asyncapi import document
from order.domain import Line, NewOrder
from order.fulfilment import Fulfilment
from order.messaging import Messaging
from order.outbox import Relay, Wakeup
from order.ports import Placed
from order.progress import SqlProgress
from order.service import Ordering
from order.storage import SqlOrders
from order.tasks import background
from service_kit import context as call_context
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine
from tracing import Traces
from tracing.logs import JsonLines

from tests.support.place_requests import place_requests

DELAY = 0.1
SHIPPED = [(1, "placed"), (2, "accepted"), (3, "shipped")]
TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


class NatsServer:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.url = f"nats://127.0.0.1:{self.port}"
        self._process: subprocess.Popen[bytes] | None = None

    async def start(self) -> None:
        program = Path(sys.executable).parent / "nats-server"
        command = [str(program), "-a", "127.0.0.1", "-p", str(self.port), "-js", "-sd", str(self.folder)]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # noqa: ASYNC220
        async with asyncio.timeout(10):
            while True:
                try:
                    _, writer = await asyncio.open_connection("127.0.0.1", self.port)
                except OSError:
                    await asyncio.sleep(0.02)
                else:
                    writer.close()
                    await writer.wait_closed()
                    return

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait(10)
            self._process = None

    def empty(self) -> None:
        shutil.rmtree(self.folder)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[NatsServer]:
    server = NatsServer(tmp_path / "jetstream")
    yield server
    server.stop()


@asynccontextmanager
async def jetstream(server: NatsServer) -> AsyncIterator[JetStreamContext]:
    """A client of its own."""
    client = await nats.connect(server.url)
    try:
        yield client.jetstream()
    finally:
        await client.close()


class Process:
    """What an order process runs, without its gRPC surface."""

    def __init__(
        self, engine: AsyncEngine, ordering: Ordering, url: str, wakeup: Wakeup, traces: Traces
    ) -> None:
        progress = SqlProgress(engine)
        self.relay = Relay(progress, wakeup, every=0.05, rest=0.1)
        self.fulfilment = Fulfilment(progress, wakeup, traces, delay=DELAY, rest=0.1)
        self.messaging = Messaging(url, self.relay, self.fulfilment, traces, DELAY)
        self._ordering = ordering
        self._traces = traces
        self._count = 0

    async def place(self, count: int = 1) -> list[UUID]:
        self._count += 1
        order = NewOrder("c", "EUR", (Line("t", 1),))
        requests = place_requests(*((f"{self._count}-{n}", order) for n in range(count)))
        self._traces.remember([request.id for request in requests], call_context.current().headers)
        outcomes = await self._ordering.place_many(requests)
        return [outcome.order.id for outcome in outcomes if isinstance(outcome, Placed)]


@pytest.fixture
def process(
    engine: AsyncEngine, sql_orders: SqlOrders, pricing: Any, accounts: Any, server: NatsServer
) -> Process:
    wakeup = Wakeup()
    ordering = Ordering(sql_orders, pricing, accounts, wakeup.notify, lambda: datetime.now(UTC))
    return Process(engine, ordering, server.url, wakeup, Traces())


@asynccontextmanager
async def running(process: Process) -> AsyncIterator[None]:
    async with background(process.fulfilment.move()), background(process.messaging.run()):
        yield


async def shipped(orders: SqlOrders, *ids: UUID, seconds: float = 10) -> None:
    """Wait until all are, and see that each event came once."""
    async with asyncio.timeout(seconds):
        for order_id in ids:
            while (order := await orders.get(order_id)) is None or order.status != "shipped":
                await asyncio.sleep(0.02)
    for order_id in ids:
        assert [(e.sequence, e.status) for e in await orders.events(order_id) or ()] == SHIPPED


async def unpublished(engine: AsyncEngine) -> int:
    async with engine.connect() as connection:
        return int(
            (
                await connection.execute(text("select count(*) from order_events where not published"))
            ).scalar_one()
        )


async def all_published(engine: AsyncEngine) -> None:
    async with asyncio.timeout(5):
        while await unpublished(engine):
            await asyncio.sleep(0.02)


async def test_orders_are_shipped_each_step_after_its_delay(
    process: Process, server: NatsServer, sql_orders: SqlOrders, engine: AsyncEngine
) -> None:
    await server.start()
    async with running(process):
        ids = await process.place(150)
        await shipped(sql_orders, *ids)
        await all_published(engine)
    events = await sql_orders.events(ids[0])
    assert events is not None
    placed, accepted, ended = events
    for before, after in ((placed, accepted), (accepted, ended)):
        assert DELAY <= (after.at - before.at).total_seconds() < DELAY + 1


async def test_each_event_is_in_the_stream_once_with_its_trace_and_in_the_log(
    process: Process, server: NatsServer, sql_orders: SqlOrders, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "order.messaging")
    caplog.handler.setFormatter(
        JsonLines("order", "v1", partial(call_context.call_and_subject, ""), "", "customer")
    )
    await server.start()
    call_context.enter({"traceparent": TRACEPARENT, "x-request-id": "r"}, None)
    async with running(process):
        (order_id,) = await process.place()
        await shipped(sql_orders, order_id)
        await asyncio.sleep(0.2)
        async with jetstream(server) as stream:
            assert (await stream.stream_info("ORDERS")).state.messages == 3
            message = await stream.get_last_msg("ORDERS", "orders.shipped")
    assert message.headers == {"Nats-Msg-Id": f"{order_id}:3", "traceparent": TRACEPARENT}
    lines = [json.loads(line) for line in caplog.text.splitlines() if str(order_id) in line]
    assert [line["message"] for line in lines] == [f"order {order_id} is {status}" for _, status in SHIPPED]
    assert {line["trace_id"] for line in lines} == {TRACEPARENT.split("-")[1]}


async def test_every_message_and_the_stream_are_as_the_asyncapi_document_says(
    process: Process, server: NatsServer, sql_orders: SqlOrders
) -> None:
    contract = document()
    schemas, channel = contract["components"]["schemas"], contract["channels"]["orders"]
    await server.start()
    call_context.enter({"traceparent": TRACEPARENT, "tracestate": "v=1", "baggage": "a=b"}, None)
    async with running(process):
        (order_id,) = await process.place()
        await shipped(sql_orders, order_id)
        await asyncio.sleep(0.2)
        async with jetstream(server) as context:
            messages = [await context.get_msg("ORDERS", seq=number) for number in (1, 2, 3)]
            stream = (await context.stream_info("ORDERS")).config
            consumer = (await context.consumer_info("ORDERS", "fulfilment")).config
    for message, status in zip(messages, channel["parameters"]["status"]["enum"], strict=True):
        assert message.subject == channel["address"].format(status=status)
        content = json.loads(message.data or b"")
        headers = message.headers or {}
        for schema, value in ((schemas[status], content), (schemas[f"{status}Headers"], headers)):
            jsonschema_rs.Draft7Validator(schema, validate_formats=True).validate(value)
            assert set(value) == set(schema["properties"])
    assert channel["x-jetstream-stream"] == {
        "name": stream.name,
        "subjects": stream.subjects,
        "max_age_seconds": stream.max_age,
        "duplicate_window_seconds": stream.duplicate_window,
    }
    declared = contract["operations"]["fulfil"]["x-jetstream-consumer"]
    assert declared | {"ack_wait_seconds": 10 + DELAY} == {
        "durable_name": consumer.durable_name,
        "filter_subjects": consumer.filter_subjects,
        "ack_policy": consumer.ack_policy,
        "ack_wait_seconds": consumer.ack_wait,
        "max_deliver": consumer.max_deliver,
        "max_ack_pending": consumer.max_ack_pending,
    }


async def test_the_successor_of_a_process_that_ends_goes_on_at_once(
    process: Process, server: NatsServer, sql_orders: SqlOrders, engine: AsyncEngine
) -> None:
    await server.start()
    slow = Fulfilment(SqlProgress(engine), Wakeup(), Traces(), delay=60)
    async with (
        background(slow.move()),
        background(Messaging(server.url, process.relay, slow, Traces(), 60).run()),
    ):
        (order_id,) = await process.place()
        await all_published(engine)
        await asyncio.sleep(0.2)
    async with running(process):
        await shipped(sql_orders, order_id, seconds=5)


async def test_orders_are_taken_while_nats_is_down_and_shipped_when_it_comes(
    process: Process, server: NatsServer, sql_orders: SqlOrders, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        async with running(process):
            ids = await process.place(3)
            await asyncio.sleep(0.8)
            assert [order.status for order in await sql_orders.page("", None, 9)] == ["placed"] * 3
            await server.start()
            await shipped(sql_orders, *ids)
    assert [r.name for r in caplog.records].count("order.messaging") == 1


async def test_a_server_that_is_killed_and_started_again_loses_and_doubles_nothing(
    process: Process, server: NatsServer, sql_orders: SqlOrders
) -> None:
    await server.start()
    async with running(process):
        early = await process.place(40)
        await asyncio.sleep(DELAY)
        server.stop()
        late = await process.place(40)
        await asyncio.sleep(0.3)
        await server.start()
        await shipped(sql_orders, *early, *late)


async def test_a_server_that_forgot_everything_gets_it_again(
    process: Process, server: NatsServer, sql_orders: SqlOrders, engine: AsyncEngine
) -> None:
    await server.start()
    ids = await process.place(5)

    async def publish_into_nothing(events: Any) -> None: ...

    async with background(process.relay.run(publish_into_nothing)):
        await all_published(engine)
    server.stop()
    server.empty()
    await server.start()
    async with running(process):
        await shipped(sql_orders, *ids)


async def test_two_processes_share_the_work_and_do_it_once(
    process: Process, server: NatsServer, sql_orders: SqlOrders, engine: AsyncEngine
) -> None:
    await server.start()
    other = Process(engine, process._ordering, server.url, Wakeup(), Traces())
    async with running(process), running(other):
        await shipped(sql_orders, *await process.place(100))


async def test_poison_and_repetition_in_the_stream_do_no_harm(
    process: Process, server: NatsServer, sql_orders: SqlOrders
) -> None:
    await server.start()
    async with running(process):
        (first,) = await process.place()
        await shipped(sql_orders, first)
        async with jetstream(server) as stream:
            await stream.publish("orders.placed", b"poison")
            again = await stream.get_msg("ORDERS", subject="orders.placed", seq=1, next=True)
            await stream.publish("orders.placed", again.data or b"", headers={"Nats-Msg-Id": "another"})
        await shipped(sql_orders, *await process.place(3))
    assert [(e.sequence, e.status) for e in await sql_orders.events(first) or ()] == SHIPPED


async def test_behind_a_fence_nothing_moves_until_it_falls(
    process: Process, server: NatsServer, sql_orders: SqlOrders, fenced: Any, engine: AsyncEngine
) -> None:
    await server.start()
    await fenced.take_away()
    ids = await process.place(3)
    await fenced.put_up()
    async with running(process):
        await asyncio.sleep(0.5)
        assert await unpublished(engine) == 3
        await fenced.take_away()
        await shipped(sql_orders, *ids)
