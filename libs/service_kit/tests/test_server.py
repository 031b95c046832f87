"""The life of a process: what its callers see of its start, its drain and its limits."""

import asyncio
import json
import signal
from collections.abc import Callable
from typing import Any

import pytest
from grpc import StatusCode, aio
from grpc_health.v1 import health_pb2
from grpc_health.v1.health_pb2_grpc import HealthStub
from grpc_reflection.v1alpha import reflection_pb2
from grpc_reflection.v1alpha.reflection_pb2_grpc import ServerReflectionStub
from service_kit.channel import open_channel

ECHO, SLOW = "/example.Example/Echo", "/example.Example/Slow"


async def test_each_service_and_the_whole_process_are_healthy(channel: Any) -> None:
    health: Any = HealthStub(channel)
    for service in ("", "example.Example"):
        answer = await health.Check(health_pb2.HealthCheckRequest(service=service))
        assert answer.status == health_pb2.HealthCheckResponse.SERVING


async def test_reflection_names_the_services(channel: Any) -> None:
    stub: Any = ServerReflectionStub(channel)
    call = stub.ServerReflectionInfo()
    await call.write(reflection_pb2.ServerReflectionRequest(list_services=""))
    answer = await call.read()
    call.cancel()
    names = {service.name for service in answer.list_services_response.service}
    assert names >= {"example.Example", "grpc.health.v1.Health"}


async def test_a_stopped_server_answers_the_call_under_way(example: Any, channel: Any) -> None:
    call = channel.unary_unary(SLOW)(b"1.0")
    await asyncio.sleep(0.2)
    example.process.send_signal(signal.SIGTERM)
    assert await call == b"done"
    assert await asyncio.to_thread(example.process.wait, 5) == 0
    messages = [json.loads(line)["message"] for line in example.log().splitlines()]
    assert messages[-2:] == ["draining", "stopped"]


async def test_no_call_is_lost_by_callers_that_heed_the_health(example: Any, channel: Any) -> None:
    leaving = asyncio.Event()

    async def watch() -> None:
        health: Any = HealthStub(channel)
        call = health.Watch(health_pb2.HealthCheckRequest(service="example.Example"))
        async for answer in call:
            if answer.status == health_pb2.HealthCheckResponse.NOT_SERVING:
                leaving.set()
                call.cancel()  # or it would be under way until the grace is over
                return

    async def load(echo: Any) -> int:
        count = 0
        while not leaving.is_set():
            assert await echo(b"x") == b"x"
            count += 1
        return count

    watching = asyncio.create_task(watch())
    callers = [asyncio.create_task(load(channel.unary_unary(ECHO))) for _ in range(8)]
    await asyncio.sleep(0.3)
    example.process.send_signal(signal.SIGTERM)
    counts = await asyncio.wait_for(asyncio.gather(*callers), 5)
    await watching
    assert min(counts) > 0
    assert await asyncio.to_thread(example.process.wait, 5) == 0


async def test_calls_beyond_the_limit_are_refused(start: Callable[..., Any]) -> None:
    example = start(max_concurrent=2)
    async with open_channel(example.address) as channel:
        await channel.channel_ready()
        slow: Any = channel.unary_unary(SLOW)
        calls = [slow(b"0.5") for _ in range(5)]
        codes = [await call.code() for call in calls]
    assert sorted(code.name for code in codes) == ["OK"] * 2 + ["RESOURCE_EXHAUSTED"] * 3


async def test_a_call_ends_with_its_own_limit(channel: Any, example: Any) -> None:
    async with open_channel(example.address, limit=0.2) as hasty:
        slow: Any = hasty.unary_unary(SLOW)
        with pytest.raises(aio.AioRpcError) as caught:
            await slow(b"5")
    assert caught.value.code() is StatusCode.DEADLINE_EXCEEDED
