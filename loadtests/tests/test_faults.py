"""The load finds what it is there to find, and nothing where nothing is."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from loadtests.ledger import compare

from tests.support.dropping import dropping
from tests.support.standin import StandIn

Serving = Callable[[StandIn], Any]
Load = Callable[..., Awaitable[Any]]


@pytest.mark.alone
async def test_an_honest_server_has_no_failure_and_no_wrong_answer(standin: Serving, load: Load) -> None:
    server = StandIn()
    async with standin(server) as port:
        run = await load(f"http://127.0.0.1:{port}", seconds=5)
    assert (run.status, run.messages, run.log) == (0, [], "")
    assert run.verdict.requests == pytest.approx(500, rel=0.15)
    kinds = {"order, repeated", "order, conflict", "bulk, again", "order events", "order events, resumed"}
    assert kinds | {"title", "quote", "rates", "convert", "search titles", "order by id"} <= set(
        run.verdict.by_name
    )
    comparison = compare(run.ledger, server.orders.rows)
    assert comparison.ok
    assert comparison.placed == comparison.stored == run.verdict.orders_placed > 50


@pytest.mark.parametrize(
    ("fault", "seconds", "message"),
    [
        ("price", 2, "the unit price of t-000"),
        ("sum", 2, "the total is"),
        ("title", 2, "the title is"),
        ("rate", 2, "the rate is"),
        ("doubled", 4, "has a second order"),
        ("taken", 6, "has a second order"),
        ("forgetful", 4, "the sequence is"),
    ],
)
async def test_a_lie_is_a_wrong_answer(
    fault: str, seconds: int, message: str, standin: Serving, load: Load
) -> None:
    async with standin(StandIn(fault)) as port:
        run = await load(f"http://127.0.0.1:{port}", seconds=seconds)
    assert run.status == 1
    assert run.verdict.wrong > 0
    assert run.verdict.failures == 0
    assert any(message in found for found in run.messages), run.messages


async def test_an_error_is_a_failure_and_not_a_wrong_answer(standin: Serving, load: Load) -> None:
    async with standin(StandIn("errors")) as port:
        run = await load(f"http://127.0.0.1:{port}")
    assert run.status == 1
    assert run.verdict.failures > 0
    assert run.verdict.wrong == 0
    assert "status 500 instead of 200" in run.messages


async def test_a_cut_stream_is_resumed_and_counted(standin: Serving, load: Load) -> None:
    async with standin(StandIn("cut")) as port:
        run = await load(f"http://127.0.0.1:{port}")
    assert run.status == 0, run.messages
    assert run.verdict.streams_resumed > 0


async def test_every_dropped_connection_is_one_failure(standin: Serving, load: Load) -> None:
    server = StandIn()
    async with standin(server) as port, dropping(port, share=0.05) as proxy:
        run = await load(proxy.url)
    assert run.status == 1
    assert run.verdict.failures == proxy.dropped > 3
    assert run.verdict.wrong == 0
    comparison = compare(run.ledger, server.orders.rows)
    assert comparison.ok
    assert comparison.unknown == run.verdict.orders_unknown


@pytest.mark.parametrize(
    ("fault", "finding"), [("lost", "lost"), ("stored-twice", "doubled"), ("doubled", "doubled")]
)
async def test_the_ledger_proves_what_no_answer_shows(
    fault: str, finding: str, standin: Serving, load: Load
) -> None:
    server = StandIn(fault)
    async with standin(server) as port:
        run = await load(f"http://127.0.0.1:{port}")
    comparison = compare(run.ledger, server.orders.rows)
    assert not comparison.ok
    assert getattr(comparison, finding)


@pytest.mark.alone
async def test_several_processes_make_one_verdict(standin: Serving, load: Load) -> None:
    server = StandIn()
    async with standin(server) as port:
        run = await load(f"http://127.0.0.1:{port}", rate=41, processes=2)
    assert run.status == 0, run.messages
    assert run.verdict.requests == pytest.approx(82, rel=0.2)
    assert len(run.ledger.runs) == 2
    assert compare(run.ledger, server.orders.rows).placed == run.verdict.orders_placed
