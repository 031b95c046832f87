"""The libraries that the mesh is compared with do what they are measured for."""

import asyncio
from argparse import Namespace
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from types import ModuleType

import pytest
from benchmarks.library import balancing, breaker, mtls
from benchmarks.library.client import TASKS, measure
from benchmarks.library.compare import MESH, MODULES, _callee, _issue, lines_of_code, lines_of_yaml
from benchmarks.rounds import Round

from tests.support.processes import free_port


@asynccontextmanager
async def callees(count: int, *arguments: str) -> AsyncIterator[str]:
    """The addresses of so many, as the client takes them."""
    ports = [free_port() for _ in range(count)]
    async with AsyncExitStack() as closing:
        for port in ports:
            await closing.enter_async_context(_callee(port, *arguments))
        for port in ports:
            await _listening(port)
        yield ",".join(f"127.0.0.1:{port}" for port in ports)


async def _listening(port: int) -> None:
    for _ in range(300):
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.1)
        else:
            writer.close()
            return
    raise AssertionError(f"nothing listens on {port}")


async def calls(targets: str, *tasks: str, folder: Path | None = None) -> Round:
    return await measure(
        Namespace(
            targets=targets,
            task=list(tasks),
            authority="",
            collector="http://127.0.0.1:9/v1/traces",
            certificates=folder,
            who=True,
            clients=2,
            seconds=0.5,
        )
    )


async def test_each_library_makes_calls_that_are_answered_and_all_of_them_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "0.2")  # nobody collects here
    _issue(tmp_path)
    certificates = ("--certificates", str(tmp_path))
    async with callees(1) as plain, callees(1, *certificates) as secret:
        for tasks in (*((task,) for task in TASKS), TASKS):
            seen = await calls(secret if "mtls" in tasks else plain, *tasks, folder=tmp_path)
            assert (seen["failed"], seen["calls"] > 10) == (0, True), (tasks, seen)


async def test_a_channel_stays_with_one_instance_unless_the_library_balances() -> None:
    async with callees(2) as both:
        alone, shared = await calls(both), await calls(both, "balancing")
    assert len(alone["served"]) == 1
    few, many = sorted(shared["served"].values())
    assert many - few <= 4, "each call goes to the next one"


async def test_the_breaker_opens_for_a_callee_that_is_sick_and_not_for_one_that_is_well() -> None:
    async with callees(1) as well, callees(1, "--sick") as sick:
        assert "OPEN" not in (await calls(well, "breaker"))["ended"]
        seen = await calls(sick, "breaker")
    assert seen["ended"]["OPEN"] > seen["ended"].get("UNAVAILABLE", 0)


async def test_the_callee_refuses_a_client_without_a_certificate(tmp_path: Path) -> None:
    _issue(tmp_path)
    async with callees(1, "--certificates", str(tmp_path)) as secret:
        seen = await calls(secret)
    assert set(seen["ended"]) == {"UNAVAILABLE"}


@pytest.mark.parametrize(("module", "lines"), [(balancing, 1), (mtls, 9)])
def test_the_lines_of_a_library_are_those_of_code(module: ModuleType, lines: int) -> None:
    assert lines_of_code(module) == lines


def test_each_task_has_its_place_on_both_sides() -> None:
    assert MESH.keys() == MODULES.keys() >= set(TASKS)
    assert lines_of_yaml(None) == 0
    assert all(lines_of_yaml(path) for path in MESH.values() if path)
    assert lines_of_code(breaker) > 10
