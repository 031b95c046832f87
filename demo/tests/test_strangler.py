"""The strangling of orders on real databases, with writers that never stop."""

import asyncio
import os
import pickle
import sys
import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
from strangler import fence, gate, sequences
from strangler import state as phases
from strangler.database import MONOLITH, Held, Waiting, connected, reporting_wait, waiting
from strangler.gate import GateRefused
from strangler.health import Health
from strangler.module import ROOT, KeySequence, Module, Table
from strangler.modules import ORDER
from strangler.names import Direction
from strangler.replication import Lagging
from strangler.steps import Strangler

from tests.support.postgres import Postgres
from tests.support.strangling import PLACE, OnlyDatabases, Writers, execute, two_databases, without_traffic


@pytest.fixture
async def runtime(postgres: Postgres) -> AsyncIterator[OnlyDatabases]:
    async with two_databases(postgres) as runtime:
        yield runtime


@pytest.fixture
async def strangler(runtime: OnlyDatabases, monkeypatch: pytest.MonkeyPatch) -> Strangler:
    without_traffic(monkeypatch)
    strangler = Strangler(runtime, dwell=0.05)  # type: ignore[arg-type]
    await strangler.state.prepare()
    for module in ("currency", "title", "pricing"):
        await strangler.state.set(module, phases.STRANGLED, "test")
    return strangler


async def stored(runtime: OnlyDatabases, database: str) -> dict[str, UUID]:
    connection = await asyncpg.connect(await runtime.databases.admin_url(database))
    rows = await connection.fetch("select idempotency_key, id from orders")
    lines = await connection.fetchval("select count(*) from order_lines")
    await connection.close()
    assert lines == len(rows)
    return {row["idempotency_key"]: row["id"] for row in rows}


@pytest.mark.alone
async def test_no_order_is_lost_or_doubled_while_the_writer_moves_there_and_back(
    runtime: OnlyDatabases, strangler: Strangler
) -> None:
    async with Writers(runtime) as writers:
        await asyncio.sleep(0.2)
        forward = await strangler.forward()
        await asyncio.sleep(0.3)
        assert await strangler.state.shape() == "4-order"
        assert writers.sides[-1] == "order"
        back = await strangler.back()
        await asyncio.sleep(0.3)
        assert writers.sides[-1] == MONOLITH
    assert {MONOLITH, "order"} == set(writers.sides)
    assert await stored(runtime, MONOLITH) == writers.acknowledged
    assert await strangler.state.shape() == "3-pricing"
    assert 0 < forward.pause < 3
    assert 0 < back.pause < 3


async def test_without_a_mesh_reads_move_by_the_monoliths_placement_and_no_order_is_lost(
    runtime: OnlyDatabases, strangler: Strangler
) -> None:
    runtime.capabilities = frozenset()
    meshless, places = Strangler(runtime, dwell=0.05), []  # type: ignore[arg-type]

    async def look(_: str) -> None:
        places.append(await placed_at(runtime))

    async with Writers(runtime) as writers:
        await asyncio.sleep(0.2)
        report = await meshless.forward(look)
        await asyncio.sleep(0.2)
        assert (places, await placed_at(runtime)) == (["remote"], "remote")
        assert not any("mirror" in text for text, _ in report.phases)
        assert runtime.running == {MONOLITH, "order"}
        await meshless.back()
        await asyncio.sleep(0.2)
    assert await placement(runtime) == "local"
    assert {MONOLITH, "order"} == set(writers.sides)
    assert await stored(runtime, MONOLITH) == writers.acknowledged
    assert runtime.routes == []


async def test_without_a_mesh_reads_return_to_the_monolith_when_the_gate_refuses(
    runtime: OnlyDatabases, strangler: Strangler
) -> None:
    runtime.capabilities = frozenset()

    async def interrupt(_: str) -> None:
        assert await placed_at(runtime) == "remote"
        raise GateRefused("order", ["the test interrupts"])

    with pytest.raises(GateRefused, match="interrupts"):
        await Strangler(runtime, dwell=0.05).forward(interrupt)  # type: ignore[arg-type]
    assert await placement(runtime) == "local"
    assert (await strangler.state.whereabouts())[-1].reads == 0
    assert runtime.routes == []


async def test_the_service_holds_every_order_when_it_has_become_the_writer(
    runtime: OnlyDatabases, strangler: Strangler
) -> None:
    async with Writers(runtime) as writers:
        await strangler.forward()
        await asyncio.sleep(0.2)
    assert await stored(runtime, "order") == writers.acknowledged
    await strangler.replication.caught_up(ORDER, "back")
    assert await stored(runtime, MONOLITH) == writers.acknowledged


async def test_the_gate_refuses_and_names_a_row_that_was_tampered_with(
    runtime: OnlyDatabases, strangler: Strangler
) -> None:
    connection = await asyncpg.connect(await runtime.databases.admin_url(MONOLITH))
    await connection.execute(PLACE, uuid4(), "k")
    await connection.close()

    async def tamper(_: str) -> None:
        service = await asyncpg.connect(await runtime.databases.admin_url("order"))
        await service.execute("set session_replication_role = replica")
        await service.execute("update orders set total = 1.49")
        await service.close()

    with pytest.raises(GateRefused, match=r"1 rows differ; orders .*total is '1.50' ≠ '1.49'"):
        await strangler.forward(tamper)
    assert (await strangler.state.phases())["order"] == phases.SHARED
    assert runtime.figures["figtree_gate_decisions_total", "order", "refused"] == 1
    assert runtime.figures["figtree_gate_differences", "order"] == 1
    assert not await fence.is_raised(runtime, MONOLITH, ORDER)  # type: ignore[arg-type]
    await strangler.back()
    assert (await strangler.state.phases())["order"] == phases.IN_PROCESS


async def placed_at(runtime: OnlyDatabases) -> str | None:
    connection = await asyncpg.connect(await runtime.databases.admin_url(MONOLITH))
    place: str | None = await connection.fetchval("select place from module_placement where module = 'order'")
    await connection.close()
    return place


async def placement(runtime: OnlyDatabases) -> str | None:
    connection = await asyncpg.connect(await runtime.databases.admin_url(MONOLITH))
    assert await connection.fetchval("show synchronous_standby_names") == ""
    await connection.close()
    return await placed_at(runtime)


UNFENCED = "set session_replication_role = replica"
BLOCKED = "select exists(select 1 from pg_locks where not granted and relation::regclass::text like 'order%')"


async def test_a_refused_gate_takes_all_reads_back_to_the_monolith(
    runtime: OnlyDatabases, strangler: Strangler
) -> None:
    async with Writers(runtime) as writers:
        await asyncio.sleep(0.1)

        async def tamper(_: str) -> None:
            await execute(runtime, "order", UNFENCED, "update orders set total = total + 1")

        with pytest.raises(GateRefused, match="rows differ"):
            await strangler.forward(tamper)
        assert runtime.routes[-1] == "edge-order-monolith"
        where = (await strangler.state.whereabouts())[-1]
        assert (where.module, where.phase, where.reads) == ("order", phases.SHARED, 0)
        assert "rows differ" in where.refused
        assert str(where).startswith("reads: monolith; writes: monolith; refused: the gate refuses")
        await asyncio.sleep(0.1)
        assert writers.sides[-1] == MONOLITH
    assert await placement(runtime) == "local"


async def test_rows_that_differ_before_the_first_share_stop_the_step_there(
    runtime: OnlyDatabases, strangler: Strangler, monkeypatch: pytest.MonkeyPatch
) -> None:
    await execute(runtime, MONOLITH, "insert into module_placement values ('order', 'local')")
    async with Writers(runtime) as writers:
        while not writers.acknowledged:
            await asyncio.sleep(0.01)
    copied = strangler.replication.copied

    async def spoiled(module: Module, direction: Direction) -> int:
        rows = await copied(module, direction)
        await execute(runtime, "order", UNFENCED, "update orders set total = total + 1")
        return rows

    monkeypatch.setattr(strangler.replication, "copied", spoiled)
    with pytest.raises(GateRefused, match="rows differ"):
        await strangler.forward()
    assert set(runtime.routes) <= {"edge-order-monolith", "edge-customer-gateway"}


async def test_rows_that_change_while_reads_are_shared_take_the_share_back_at_once(
    runtime: OnlyDatabases, strangler: Strangler
) -> None:
    await execute(runtime, MONOLITH, PLACE.replace("$1", f"'{uuid4()}'").replace("$2", "'k'"))
    applied = runtime.mesh.apply

    async def apply(paths: Sequence[Path]) -> None:
        await applied(paths)
        if runtime.routes[-1:] == ["edge-order-100"]:
            await execute(runtime, "order", UNFENCED, "update orders set total = total + 1")

    runtime.apply = apply  # type: ignore[method-assign]
    with pytest.raises(GateRefused, match="1 rows differ"):
        await strangler.forward()
    assert runtime.routes[-2:] == ["edge-order-100", "edge-order-monolith"]
    await execute(runtime, MONOLITH, "update orders set total = total")  # the same again repairs the copy
    await execute(runtime, "order", UNFENCED, "update orders set total = 1.50")
    runtime.apply = applied  # type: ignore[method-assign]
    await strangler.forward()
    assert str((await strangler.state.whereabouts())[-1]) == "reads: order; writes: order"


async def test_the_way_back_compares_before_it_moves_anybody(
    runtime: OnlyDatabases, strangler: Strangler
) -> None:
    async with Writers(runtime) as writers:
        await strangler.forward()
        await asyncio.sleep(0.1)
        await execute(runtime, MONOLITH, UNFENCED, "truncate order_lines")
        before = len(runtime.routes)
        with pytest.raises(GateRefused, match="rows differ; order_lines"):
            await strangler.back()
        assert set(runtime.routes[before:]) == {"edge-order-gateway"}
        await asyncio.sleep(0.1)
        assert writers.sides[-1] == "order"
    assert await placement(runtime) == "remote"
    assert (await strangler.state.phases())["order"] == phases.STRANGLED


async def test_a_column_on_one_side_only_is_named_and_nobody_waits_for_a_broken_replica(
    runtime: OnlyDatabases, strangler: Strangler
) -> None:
    async with Writers(runtime) as writers:
        await strangler.forward()
        await execute(runtime, "order", "alter table orders add column gift_note text")
        placed = len(writers.acknowledged)
        with pytest.raises(GateRefused, match=r"orders.gift_note \(text\) is only in the service's"):
            await strangler.back()
        assert await placement(runtime) == "remote"
        await asyncio.sleep(0.1)
        assert writers.sides[-1] == "order"
        assert len(writers.acknowledged) > placed + 100
        await execute(runtime, MONOLITH, "alter table orders add column gift_note text")
        await strangler.back()
    assert await stored(runtime, MONOLITH) == writers.acknowledged


@pytest.mark.alone
async def test_writers_do_not_wait_for_a_replica_that_stands_still(
    runtime: OnlyDatabases, strangler: Strangler
) -> None:
    longest = 0.0

    async with Writers(runtime) as writers:

        async def stall(_: str) -> None:
            nonlocal longest
            await execute(runtime, "order", "alter subscription figtree_order_forward disable")
            now = asyncio.get_running_loop().time
            begun = now()
            await execute(runtime, MONOLITH, "create table if not exists of_an_administrator()")
            assert now() - begun < 0.5, "an administrator does not wait for the replica"
            placed, since, until = len(writers.acknowledged), now(), now() + 5
            while now() < until:
                await asyncio.sleep(0.01)
                if len(writers.acknowledged) > placed:
                    longest = max(longest, now() - since)
                    placed, since = len(writers.acknowledged), now()

        with pytest.raises(GateRefused, match=r"still behind .* is disabled"):
            await strangler.forward(stall)
        assert 0.5 < longest < 6, "the writers waited for the replica, and then no longer"
        await execute(runtime, "order", "alter subscription figtree_order_forward enable")
        await strangler.forward()
    assert await stored(runtime, "order") == writers.acknowledged


async def test_a_fenced_table_is_not_truncated(runtime: OnlyDatabases, strangler: Strangler) -> None:
    await fence.raise_(runtime, "order", ORDER)  # type: ignore[arg-type]
    with pytest.raises(asyncpg.PostgresError, match="is written elsewhere now"):
        await execute(runtime, "order", "truncate order_lines")
    await fence.lift(runtime, "order", ORDER)  # type: ignore[arg-type]
    await execute(runtime, "order", "truncate order_lines")


async def test_a_lock_held_by_somebody_else_is_named_and_nothing_is_changed(
    runtime: OnlyDatabases, strangler: Strangler
) -> None:
    url = await runtime.databases.admin_url("order")
    holder = await asyncpg.connect(url, server_settings={"application_name": "reports"})
    async with holder.transaction():
        await holder.execute("lock table orders in row exclusive mode")
        with pytest.raises(Held, match=r"orders.*user postgres, application reports.*lock table orders"):
            await fence.raise_(runtime, "order", ORDER)  # type: ignore[arg-type]
    await holder.close()
    assert not await fence.is_raised(runtime, "order", ORDER)  # type: ignore[arg-type]


async def test_a_step_names_whom_it_waits_for_gives_up_and_leaves_no_slot(
    runtime: OnlyDatabases, strangler: Strangler
) -> None:
    reported: list[str] = []
    impatient = Strangler(runtime, dwell=0.05, lock_limit=4, progress=lambda _, text: reported.append(text))  # type: ignore[arg-type]
    other_program = await asyncpg.connect(
        await runtime.databases.admin_url(MONOLITH), server_settings={"application_name": "month-end"}
    )
    try:
        async with other_program.transaction():  # a slot begins only when each open transaction has ended
            await other_program.execute("insert into module_placement values ('none', 'local')")
            with pytest.raises(
                Held, match=r"gave up after waiting 4 s .*application month-end.*module_placement"
            ):
                await impatient.forward()
            assert await other_program.fetchval("select count(*) from pg_replication_slots") == 0
        assert any("waiting for a lock that is held by process" in text for text in reported)
    finally:
        await other_program.close()
    await impatient.forward()
    assert await strangler.state.shape() == "4-order"


async def test_rows_are_equal_whatever_time_zone_a_database_is_set_to(
    runtime: OnlyDatabases, strangler: Strangler
) -> None:
    url = await runtime.databases.admin_url("order")
    await execute(runtime, "order", f"alter database {url.rpartition('/')[2]} set timezone = 'Asia/Tokyo'")
    async with Writers(runtime) as writers:
        await asyncio.sleep(0.1)
        await strangler.forward()
    assert await stored(runtime, "order") == writers.acknowledged


async def test_a_cut_over_that_was_interrupted_is_finished_by_the_next_step(
    runtime: OnlyDatabases, strangler: Strangler, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def dies(*_: object) -> None:
        raise ConnectionError("the strangler was killed")

    with monkeypatch.context() as patched:
        patched.setattr("strangler.forward._conclude", dies)
        with pytest.raises(ConnectionError):
            await strangler.forward()
    async with Writers(runtime) as writers:
        await asyncio.sleep(0.1)
        await strangler.forward()
    assert set(writers.sides) == {"order"}
    assert await strangler.state.shape() == "4-order"


async def test_a_fenced_table_takes_no_write_but_replication(
    runtime: OnlyDatabases, strangler: Strangler
) -> None:
    await fence.raise_(runtime, "order", ORDER)  # type: ignore[arg-type]
    service = await asyncpg.connect(await runtime.databases.admin_url("order"))
    with pytest.raises(asyncpg.PostgresError, match="is written elsewhere now") as refused:
        await service.execute(PLACE, uuid4(), "k")
    assert refused.value.sqlstate == "FT001"
    await service.close()
    await strangler.replication.start(ORDER, "forward", copy=True)
    await strangler.replication.copied(ORDER, "forward")
    monolith = await asyncpg.connect(await runtime.databases.admin_url(MONOLITH))
    await monolith.execute(PLACE, uuid4(), "k")
    await monolith.close()
    await strangler.replication.caught_up(ORDER, "forward")
    assert list(await stored(runtime, "order")) == ["k"]
    comparison = await gate.compare(runtime, ORDER)  # type: ignore[arg-type]
    assert (comparison.rows, comparison.differences) == (3, 0)


COMMAND = """
import asyncio, pickle, sys
from strangler import mirror
from strangler.health import Health
from strangler.mirror import Verdict
from strangler.replication import Lagging
from strangler.steps import Strangler
from strangler.context import StepContext

async def equal(*_): return Verdict(pairs=1)
async def nothing(*_): ...
async def hold(_):
    print("held", flush=True)
    await asyncio.Event().wait()

mirror.verdict, StepContext.probe = equal, nothing
runtime, direction, text = pickle.loads(sys.stdin.buffer.read())

def progress(step, what):
    if text and text in what:
        print("held", flush=True)

strangler = Strangler(runtime, dwell=0.05, progress=progress)
asyncio.run(strangler.forward(None if text else hold) if direction == "forward" else strangler.back())
"""


async def killed(runtime: OnlyDatabases, direction: str, text: str = "") -> None:
    """A command that takes a step, killed when it tells `text`; without one, when the gate is next."""
    command = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        COMMAND,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    assert command.stdin is not None
    assert command.stdout is not None
    command.stdin.write(pickle.dumps((runtime, direction, text)))
    command.stdin.close()
    assert await command.stdout.readline() == b"held\n"
    command.kill()
    await command.wait()


async def settled(strangler: Strangler, why: str) -> float:
    begun = time.monotonic()
    while why not in (await strangler.state.whereabouts())[-1].refused:
        assert time.monotonic() - begun < 10, "nobody has put things right"
        await asyncio.sleep(0.05)
    return time.monotonic() - begun


async def test_a_killed_step_is_undone_within_seconds_even_if_the_replica_stands_still(
    runtime: OnlyDatabases, strangler: Strangler
) -> None:
    await execute(runtime, MONOLITH, "insert into module_placement values ('order', 'remote')")
    async with Writers(runtime) as writers:
        await asyncio.sleep(0.1)
        await killed(runtime, "forward")
        await execute(runtime, "order", "alter subscription figtree_order_forward disable")
        assert await settled(strangler, "killed") < 8
        placed = len(writers.acknowledged)
        await asyncio.sleep(0.3)
        assert len(writers.acknowledged) > placed + 20
        where = (await strangler.state.whereabouts())[-1]
        assert (where.reads, await placement(runtime)) == (0, "local")
        await execute(runtime, "order", "alter subscription figtree_order_forward enable")
        await strangler.forward()
    assert await stored(runtime, "order") == writers.acknowledged


async def test_a_killed_way_back_leaves_all_users_at_the_service(
    runtime: OnlyDatabases, strangler: Strangler
) -> None:
    async with Writers(runtime) as writers:
        await strangler.forward()
        await killed(runtime, "back", "the monolith reads order again")
        assert await settled(strangler, "killed") < 8
        assert str((await strangler.state.whereabouts())[-1]).startswith("reads: order; writes: order")
        assert await placement(runtime) == "remote"
        await strangler.back()
    assert await stored(runtime, MONOLITH) == writers.acknowledged


async def test_a_step_killed_while_it_copies_leaves_no_slot(
    runtime: OnlyDatabases, strangler: Strangler
) -> None:
    await killed(runtime, "forward", "copy order's rows")
    monolith = await asyncpg.connect(await runtime.databases.admin_url(MONOLITH))
    begun = time.monotonic()
    await asyncio.sleep(4)
    while await monolith.fetchval("select count(*) from pg_replication_slots"):
        assert time.monotonic() - begun < 10
        await asyncio.sleep(0.1)
    await monolith.close()
    await strangler.forward()


async def test_a_failure_that_the_command_cannot_undo_itself_is_undone_after_it(
    runtime: OnlyDatabases, strangler: Strangler, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(_: str) -> None:
        raise GateRefused("order", ["for the test"])

    async def fails(*_: object) -> None:
        raise ConnectionError("the database is away")

    with monkeypatch.context() as patched:
        patched.setattr("strangler.forward.take_reads_back", fails)
        with pytest.raises(GateRefused):
            await strangler.forward(refuse)
    assert await settled(strangler, "killed") < 8


async def test_a_wait_for_another_program_is_reported_names_who_blocks_it_and_ends(
    runtime: OnlyDatabases,
) -> None:
    heard: list[str] = []
    waiting.set(Waiting(3, heard.append, 20))
    other_program = await asyncpg.connect(
        await runtime.databases.admin_url("order"), server_settings={"application_name": "month-end"}
    )
    migration = await asyncpg.connect(await runtime.databases.admin_url("order"))
    try:
        async with other_program.transaction():
            await other_program.execute("lock table orders")
            with pytest.raises(Held, match=r"gave up after waiting \d+ s for order to start.*month-end"):
                async with reporting_wait(runtime, "order", "order to start"):  # type: ignore[arg-type]
                    await migration.execute("alter table orders add column note text")
        assert "waiting for order to start" in heard[0]
        waiting.set(Waiting(60, heard.append, 2))
        with pytest.raises(Held, match="gave up after waiting 2 s for a seed"):
            async with reporting_wait(runtime, "order", "a seed"):  # type: ignore[arg-type]
                await asyncio.Event().wait()
    finally:
        await other_program.close()
        await migration.close()


@pytest.mark.parametrize("cut_off", ["the wait ends", "the wait is cancelled"])
async def test_a_connect_that_is_no_longer_needed_comes_to_its_end(
    cut_off: str, runtime: OnlyDatabases, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect, begun, opened = asyncpg.connect, asyncio.Event(), []

    async def slow_connect(*args: Any, **options: Any) -> asyncpg.Connection:
        begun.set()
        await asyncio.sleep(0.3)
        opened.append(await connect(*args, **options))
        return opened[-1]

    async def wait() -> None:
        if cut_off == "the wait ends":
            async with reporting_wait(runtime, "order", "a seed"):  # type: ignore[arg-type]
                await begun.wait()
        else:
            async with connected(runtime, "order"):  # type: ignore[arg-type]
                pass

    monkeypatch.setattr("strangler.database.REPORT_AFTER", 0.01)
    monkeypatch.setattr("strangler.database.asyncpg.connect", slow_connect)
    waiting_task = asyncio.create_task(wait())
    await begun.wait()
    if cut_off == "the wait is cancelled":
        waiting_task.cancel()
    await asyncio.gather(waiting_task, return_exceptions=True)
    assert [connection.is_closed() for connection in opened] == [True]


async def test_a_connection_is_closed_at_whatever_moment_its_user_is_cancelled(
    runtime: OnlyDatabases,
) -> None:
    """A watchdog that was cancelled as it left its block left the connection behind."""
    for turns in range(12):
        leaving = asyncio.Event()
        used: list[asyncpg.Connection] = []

        async def use(leaving: asyncio.Event = leaving, used: list[asyncpg.Connection] = used) -> None:
            async with connected(runtime, "order") as db:  # type: ignore[arg-type]
                used.append(db)
                leaving.set()

        user = asyncio.create_task(use())
        await leaving.wait()
        for _ in range(turns):
            await asyncio.sleep(0)
        user.cancel()
        await asyncio.gather(user, return_exceptions=True)
        assert [db.is_closed() for db in used] == [True], f"cancelled after {turns} turns of the loop"


async def of_order(strangler: Strangler) -> list[Health]:
    return [one for one in await strangler.health() if one.module == "order"]


async def until_stopped(strangler: Strangler, why: str) -> Health:
    for _ in range(150):
        for one in await of_order(strangler):
            if why in one.why:
                return one
        await asyncio.sleep(0.1)
    raise AssertionError([str(one) for one in await of_order(strangler)])


async def test_a_replica_that_runs_is_reported_with_its_lag(
    runtime: OnlyDatabases, strangler: Strangler
) -> None:
    async with Writers(runtime):
        await strangler.forward()
        (found,) = await of_order(strangler)
    assert (found.module, found.direction, found.state) == ("order", "back", "running")
    assert str(found).startswith("running, ")
    assert found.kept_bytes is not None


@pytest.mark.alone
async def test_an_apply_worker_that_fails_is_reported_in_its_own_words_and_named_by_verify_at_once(
    runtime: OnlyDatabases, strangler: Strangler
) -> None:
    async with Writers(runtime):
        await strangler.forward()
        broken = "alter table order_lines add constraint broken check (quantity > 5) not valid"
        await execute(runtime, MONOLITH, broken)
        found = await until_stopped(strangler, 'violates check constraint "broken"')
        assert (found.state, found.since is not None) == ("stopped", True)
        assert found.behind_bytes
        begun = time.monotonic()
        with pytest.raises(Lagging, match="the apply worker in the database monolith says: new row"):
            await strangler.verify(ORDER)
        assert time.monotonic() - begun < 1
        await execute(runtime, MONOLITH, "alter table order_lines drop constraint broken")
        await strangler.back()


async def test_an_invalidated_slot_is_recognised_and_its_rows_are_copied_anew(
    runtime: OnlyDatabases, strangler: Strangler
) -> None:
    async with Writers(runtime) as writers:
        await strangler.forward()
        await execute(runtime, MONOLITH, "alter subscription figtree_order_back disable")
        await execute(
            runtime, "order", "alter system set max_slot_wal_keep_size = '1MB'", "select pg_reload_conf()"
        )
        try:
            service = await asyncpg.connect(await runtime.databases.admin_url("order"))
            while await service.fetchval("select wal_status <> 'lost' from pg_replication_slots"):
                await service.execute("select pg_switch_wal()")
                await service.execute("checkpoint")
                await asyncio.sleep(0.1)
            await service.close()
        finally:
            await execute(
                runtime, "order", "alter system reset max_slot_wal_keep_size", "select pg_reload_conf()"
            )
        (found,) = await of_order(strangler)
        assert found.state == "lost"
        assert "`figtree copy order` copies its rows anew" in found.why
        with pytest.raises(Lagging, match="is invalidated"):
            await strangler.back()
        comparison = await strangler.copy(ORDER)
        assert (comparison.rows > 100, comparison.differences) == (True, 0)
        await strangler.back()
    assert await stored(runtime, MONOLITH) == writers.acknowledged


async def test_no_writer_is_the_victim_of_a_deadlock_when_rows_are_copied_anew(
    runtime: OnlyDatabases, strangler: Strangler
) -> None:
    """A writer locks its tables in an order of its own, and the copy holds what it asks for next."""
    writer = await asyncpg.connect(await runtime.databases.admin_url("order"))
    copying = asyncio.create_task(strangler.replication.start(ORDER, "forward", copy=True))
    try:
        async with writer.transaction():
            await writer.execute("lock table order_lines in row exclusive mode")
            while not await writer.fetchval(BLOCKED):
                await asyncio.sleep(0.005)
            for table in ("orders", "order_events"):
                await writer.execute(f"lock table {table} in row exclusive mode")
        await copying
    finally:
        await writer.close()
        await strangler.replication.stop(ORDER, "forward")


async def test_rows_are_not_copied_anew_where_users_read_them(
    runtime: OnlyDatabases, strangler: Strangler
) -> None:
    with pytest.raises(ValueError, match="is not replicated now"):
        await strangler.copy(ORDER)
    await strangler.state.set("order", phases.SHARED, "test")
    await strangler.state.reads("order", 50)
    with pytest.raises(ValueError, match="users read the copy of order now"):
        await strangler.copy(ORDER)
    await strangler.state.set("order", phases.IN_PROCESS, "test")


# What docs/how-to/change-a-schema.md says of schemas, TRUNCATE and sequences.


async def test_a_column_that_is_added_to_the_copy_first_and_dropped_there_last_stops_nothing(
    runtime: OnlyDatabases, strangler: Strangler
) -> None:
    async with Writers(runtime) as writers:
        await strangler.forward()
        for side in (MONOLITH, "order"):  # the copy first
            await execute(runtime, side, "alter table orders add column note text")
            await strangler.replication.caught_up(ORDER, "back")
        assert (await strangler.verify(ORDER)).differences == 0
        for side in ("order", MONOLITH):  # the copy last
            await execute(runtime, side, "alter table orders drop column note")
            await strangler.replication.caught_up(ORDER, "back")
        assert [one.state for one in await of_order(strangler)] == ["running"]
        await strangler.back()
    assert await stored(runtime, MONOLITH) == writers.acknowledged


async def test_a_column_that_is_added_to_the_writer_first_stops_replication_until_the_copy_has_it(
    runtime: OnlyDatabases, strangler: Strangler
) -> None:
    async with Writers(runtime):
        await strangler.forward()
        await execute(runtime, "order", "alter table orders add column note text")
        found = await until_stopped(strangler, "is missing replicated column")
        assert found.state == "stopped"
        await execute(runtime, MONOLITH, "alter table orders add column note text")
        await strangler.replication.caught_up(ORDER, "back")


async def test_truncate_at_the_writer_empties_the_copy(runtime: OnlyDatabases, strangler: Strangler) -> None:
    async with Writers(runtime):
        await asyncio.sleep(0.2)
        await strangler.forward()
    await execute(runtime, "order", "truncate orders, order_lines, order_events")
    await strangler.replication.caught_up(ORDER, "back")
    assert await stored(runtime, MONOLITH) == {}


TICKETS = Module(
    "order", (Table("tickets", ("id",)),), sequences=(KeySequence("tickets_id_seq", "tickets_id_seq"),)
)


async def test_the_next_value_of_a_sequence_is_not_replicated_but_carried_over(
    runtime: OnlyDatabases,
) -> None:
    for side in (MONOLITH, "order"):
        await execute(runtime, side, "create table tickets(id bigserial primary key)")
    strangler = Strangler(runtime, dwell=0.05)  # type: ignore[arg-type]
    await strangler.replication.start(TICKETS, "forward", copy=True)
    await strangler.replication.copied(TICKETS, "forward")
    await execute(runtime, MONOLITH, "insert into tickets default values")
    await strangler.replication.caught_up(TICKETS, "forward")
    with pytest.raises(asyncpg.UniqueViolationError):
        await execute(runtime, "order", "insert into tickets default values")
    await execute(runtime, "order", "select setval('tickets_id_seq', 1000)")  # however far it is
    await sequences.carry_over(runtime, TICKETS, "forward")  # type: ignore[arg-type]
    async with connected(runtime, "order") as db:  # type: ignore[arg-type]
        assert await db.fetchval("insert into tickets default values returning id") == 2


@pytest.mark.parametrize(
    ("table", "sequence"),
    [
        ("create table tickets(id bigserial primary key)", "tickets_id_seq"),
        ("create table tickets(id bigint generated always as identity primary key)", "tickets_id_seq"),
        (
            "create sequence numbers; create table tickets(id bigint default nextval('numbers') primary key)",
            "numbers",
        ),
    ],
    ids=["serial", "identity", "a default"],
)
async def test_the_gate_refuses_a_sequence_that_would_not_be_carried_over(
    runtime: OnlyDatabases, table: str, sequence: str
) -> None:
    for side in (MONOLITH, "order"):
        await execute(runtime, side, table)
    undeclared = Module("order", TICKETS.tables)
    said = f"{sequence} of the monolith's table tickets.*{sequence} of the service's table tickets"
    with pytest.raises(GateRefused, match=said):
        await gate.same_columns(runtime, undeclared)  # type: ignore[arg-type]
    unknown = Module("order", TICKETS.tables, sequences=(KeySequence("none", "none"),))
    with pytest.raises(GateRefused, match="the database order has no sequence none"):
        await gate.same_columns(runtime, unknown)  # type: ignore[arg-type]
    declared = Module("order", TICKETS.tables, sequences=(KeySequence(sequence, sequence),))
    await gate.same_columns(runtime, declared)  # type: ignore[arg-type]
