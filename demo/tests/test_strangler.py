"""The strangling of orders on real databases, with writers that never stop."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from uuid import UUID, uuid4

import asyncpg
import pytest
from demo.runtimes.runtime import WorkloadStatus
from demo.strangler import fence, gate
from demo.strangler import state as phases
from demo.strangler.database import MONOLITH, Held
from demo.strangler.gate import GateRefused
from demo.strangler.mirror import Verdict
from demo.strangler.modules import ORDER, Module
from demo.strangler.replication import Direction
from demo.strangler.steps import Strangler
from demo.strangler.tools import Tools

from tests.support.postgres import Postgres

TABLES = """
create table orders(id uuid primary key, customer_id text not null, idempotency_key text not null,
  content_hash text not null, status text not null, currency text not null, discount_percent numeric not null,
  total numeric not null, created_at timestamptz not null, updated_at timestamptz not null,
  unique(customer_id, idempotency_key));
create table order_lines(order_id uuid, line_number int, title_id text not null, quantity int not null,
  unit_price numeric not null, total numeric not null, primary key(order_id, line_number));
create table order_events(order_id uuid, sequence int, status text not null, at timestamptz not null,
  published bool not null default false, primary key(order_id, sequence));
create table module_placement(module text primary key, place text not null);
"""
PLACE = """
with o as (insert into orders values($1, 'c', $2, 'h', 'placed', 'EUR', 0, 1.50, now(), now()) returning id),
l as (insert into order_lines select id, 1, 't', 1, 1.50, 1.50 from o)
insert into order_events select id, 1, 'placed', now() from o
"""


class OnlyDatabases:
    """A runtime that has databases and nothing else: workloads and routes are only remembered."""

    def __init__(self, postgres: Postgres) -> None:
        self._postgres = postgres
        self._names: dict[str, str] = {}
        self.running: set[str] = set()
        self.routes: list[str] = []
        self.figures: dict[tuple[str, ...], float] = {}

    def create(self, database: str) -> None:
        self._names[database] = self._postgres.create(database).rpartition("/")[2]

    def edge(self) -> str:
        return "http://127.0.0.1:9"

    async def report(self, name: str, value: float, **labels: str) -> None:
        self.figures[name, *labels.values()] = value

    async def workloads(self) -> list[WorkloadStatus]:
        return [WorkloadStatus(n, "v1", 0, "ready", 1, True, 0, "") for n in self.running]

    async def start(self, workload: str, *, env: Mapping[str, str] | None = None) -> None:
        self.running.add(workload)

    async def stop(self, workload: str) -> None:
        self.running.discard(workload)

    async def apply(self, paths: Sequence[Path]) -> None:
        self.routes += [path.stem for path in paths]

    async def delete(self, paths: Sequence[Path]) -> None: ...

    async def logs(self, workload: str, part: str, lines: int) -> list[str]:
        return []

    async def admin_url(self, database: str) -> str:
        return self._postgres.admin_url(self._names[database])

    async def replication_conninfo(self, database: str) -> str:
        p = self._postgres
        return (
            f"host=127.0.0.1 port={p.port} user=postgres password={p.password} dbname={self._names[database]}"
        )


class Writers:
    """Four writers that take the side that lets them, as the monolith does, and remember what was acknowledged."""

    def __init__(self, runtime: OnlyDatabases) -> None:
        self._runtime = runtime
        self.acknowledged: dict[str, UUID] = {}
        self.sides: list[str] = []
        self._stop = asyncio.Event()

    async def __aenter__(self) -> "Writers":
        self._tasks = [asyncio.create_task(self._write(n)) for n in range(4)]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._stop.set()
        await asyncio.gather(*self._tasks)

    async def _write(self, number: int) -> None:
        sides = {
            name: await asyncpg.connect(await self._runtime.admin_url(name)) for name in (MONOLITH, "order")
        }
        count = 0
        while not self._stop.is_set():
            count += 1
            key, order_id = f"{number}-{count}", uuid4()
            for attempt in range(6):
                side = (MONOLITH, "order")[attempt % 2]
                try:
                    await sides[side].execute(PLACE, order_id, key)
                except asyncpg.PostgresError as error:
                    if error.sqlstate != "FT001":
                        raise
                    continue
                self.acknowledged[key] = order_id
                self.sides.append(side)
                break
            else:
                raise AssertionError("no side would take the order")
            await asyncio.sleep(0.002)
        for connection in sides.values():
            await connection.close()


@pytest.fixture
async def runtime(postgres: Postgres) -> AsyncIterator[OnlyDatabases]:
    runtime = OnlyDatabases(postgres)
    for database in (MONOLITH, "order"):
        runtime.create(database)
        connection = await asyncpg.connect(await runtime.admin_url(database))
        await connection.execute(TABLES)
        await connection.close()
    runtime.running = {MONOLITH}
    yield runtime
    strangler = Strangler(runtime, dwell=0.01)  # type: ignore[arg-type]
    await strangler.replication.asynchronous(ORDER)
    for direction in ("forward", "back"):
        await strangler.replication.stop(ORDER, direction)


@pytest.fixture
async def strangler(runtime: OnlyDatabases, monkeypatch: pytest.MonkeyPatch) -> Strangler:
    async def equal(*_: object) -> Verdict:
        return Verdict(pairs=1)

    async def no_probe(*_: object) -> None: ...

    monkeypatch.setattr("demo.strangler.mirror.verdict", equal)  # there is no traffic here to be mirrored
    monkeypatch.setattr(Tools, "probe", no_probe)
    strangler = Strangler(runtime, dwell=0.05)  # type: ignore[arg-type]
    await strangler.state.prepare()
    for module in ("currency", "title", "pricing"):
        await strangler.state.set(module, phases.STRANGLED, "test")
    return strangler


async def stored(runtime: OnlyDatabases, database: str) -> dict[str, UUID]:
    connection = await asyncpg.connect(await runtime.admin_url(database))
    rows = await connection.fetch("select idempotency_key, id from orders")
    lines = await connection.fetchval("select count(*) from order_lines")
    await connection.close()
    assert lines == len(rows)
    return {row["idempotency_key"]: row["id"] for row in rows}


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
    connection = await asyncpg.connect(await runtime.admin_url(MONOLITH))
    await connection.execute(PLACE, uuid4(), "k")
    await connection.close()

    async def tamper(_: str) -> None:
        service = await asyncpg.connect(await runtime.admin_url("order"))
        await service.execute("set session_replication_role = replica")
        await service.execute("update orders set total = 1.49")
        await service.close()

    with pytest.raises(GateRefused, match=r"1 rows differ; orders .*total is '1.50' ≠ '1.49'"):
        await strangler.forward(tamper)
    assert (await strangler.state.phases())["order"] == phases.SHARED
    assert runtime.figures["figtree_gate_decisions_total", "order", "refused"] == 1
    assert runtime.figures["figtree_gate_differences", "order"] == 1
    assert not await fence.is_closed(runtime, MONOLITH, ORDER)  # type: ignore[arg-type]
    await strangler.back()
    assert (await strangler.state.phases())["order"] == phases.IN_PROCESS


async def execute(runtime: OnlyDatabases, database: str, *statements: str) -> None:
    connection = await asyncpg.connect(await runtime.admin_url(database))
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


async def placement(runtime: OnlyDatabases) -> str | None:
    connection = await asyncpg.connect(await runtime.admin_url(MONOLITH))
    place: str | None = await connection.fetchval("select place from module_placement where module = 'order'")
    assert await connection.fetchval("show synchronous_standby_names") == ""
    await connection.close()
    return place


UNFENCED = "set session_replication_role = replica"


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
    async with Writers(runtime):
        await asyncio.sleep(0.1)
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
    applied = runtime.apply

    async def apply(paths: Sequence[Path]) -> None:
        await applied(paths)
        if runtime.routes[-1:] == ["edge-order-10"]:
            await execute(runtime, "order", UNFENCED, "update orders set total = total + 1")

    runtime.apply = apply  # type: ignore[method-assign]
    with pytest.raises(GateRefused, match="1 rows differ"):
        await strangler.forward()
    assert runtime.routes[-2:] == ["edge-order-10", "edge-order-monolith"]
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


async def test_writers_do_not_wait_for_a_replica_that_stands_still(
    runtime: OnlyDatabases, strangler: Strangler
) -> None:
    longest = 0.0

    async with Writers(runtime) as writers:

        async def stall(_: str) -> None:
            nonlocal longest
            await execute(runtime, "order", "alter subscription figtree_order_forward disable")
            now = asyncio.get_running_loop().time
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
    await fence.close(runtime, "order", ORDER)  # type: ignore[arg-type]
    with pytest.raises(asyncpg.PostgresError, match="is written elsewhere now"):
        await execute(runtime, "order", "truncate order_lines")
    await fence.open_(runtime, "order", ORDER)  # type: ignore[arg-type]
    await execute(runtime, "order", "truncate order_lines")


async def test_a_lock_held_by_somebody_else_is_named_and_nothing_is_changed(
    runtime: OnlyDatabases, strangler: Strangler
) -> None:
    url = await runtime.admin_url("order")
    holder = await asyncpg.connect(url, server_settings={"application_name": "reports"})
    async with holder.transaction():
        await holder.execute("lock table orders in row exclusive mode")
        with pytest.raises(Held, match=r"orders.*user postgres, application reports.*lock table orders"):
            await fence.close(runtime, "order", ORDER)  # type: ignore[arg-type]
    await holder.close()
    assert not await fence.is_closed(runtime, "order", ORDER)  # type: ignore[arg-type]


async def test_a_step_names_whom_it_waits_for_gives_up_and_leaves_no_slot(
    runtime: OnlyDatabases, strangler: Strangler
) -> None:
    told: list[str] = []
    impatient = Strangler(runtime, dwell=0.05, lock_limit=4, progress=lambda _, text: told.append(text))  # type: ignore[arg-type]
    stranger = await asyncpg.connect(
        await runtime.admin_url(MONOLITH), server_settings={"application_name": "month-end"}
    )
    try:
        async with stranger.transaction():  # a slot begins only when each open transaction has ended
            await stranger.execute("insert into module_placement values ('none', 'local')")
            with pytest.raises(
                Held, match=r"gave up after waiting 4 s .*application month-end.*module_placement"
            ):
                await impatient.forward()
            assert await stranger.fetchval("select count(*) from pg_replication_slots") == 0
        assert any("waiting for a lock that is held by process" in text for text in told)
    finally:
        await stranger.close()
    await impatient.forward()
    assert await strangler.state.shape() == "4-order"


async def test_rows_are_equal_whatever_time_zone_a_database_is_set_to(
    runtime: OnlyDatabases, strangler: Strangler
) -> None:
    url = await runtime.admin_url("order")
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
        patched.setattr("demo.strangler.forward._conclude", dies)
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
    await fence.close(runtime, "order", ORDER)  # type: ignore[arg-type]
    service = await asyncpg.connect(await runtime.admin_url("order"))
    with pytest.raises(asyncpg.PostgresError, match="is written elsewhere now") as refused:
        await service.execute(PLACE, uuid4(), "k")
    assert refused.value.sqlstate == "FT001"
    await service.close()
    await strangler.replication.start(ORDER, "forward", copy=True)
    await strangler.replication.copied(ORDER, "forward")
    monolith = await asyncpg.connect(await runtime.admin_url(MONOLITH))
    await monolith.execute(PLACE, uuid4(), "k")
    await monolith.close()
    await strangler.replication.caught_up(ORDER, "forward")
    assert list(await stored(runtime, "order")) == ["k"]
    comparison = await gate.compare(runtime, ORDER)  # type: ignore[arg-type]
    assert (comparison.rows, comparison.differences) == (3, 0)
