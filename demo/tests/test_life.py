"""Several instances, hard kills, clean ends, and no mesh."""

import asyncio
import os
import pwd
import signal
import socket
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import asyncpg
import httpx
import psutil
import pytest
from cli import scenes, tour
from cli.settings import Settings
from localmesh import LocalRuntime, leftovers
from localmesh.cache import cache_folder
from localmesh.events import Events
from localmesh.instance import directory_of
from localmesh.postgres import Postgres
from runtime.api import CommandFailed, NeedsMesh, NotRunning, RuntimeFailure, StartFailed
from runtime.commands import run
from scenes.catalogue import BY_NAME
from scenes.engine.reporter import Nobody
from strangler.database import connected
from strangler.module import TRAFFIC

from tests.support.strangling import TABLES

pytestmark = pytest.mark.system


def supervisors(name: str) -> list[psutil.Process]:
    return leftovers.supervisors(directory_of(name))


async def test_without_mesh_the_workloads_are_reached_at_their_own_addresses(standins: None) -> None:
    runtime = await LocalRuntime.up(f"off-{os.getpid()}", mesh=False)
    try:
        await runtime.workloads.start("currency")
        await runtime.workloads.start("monolith")
        async with httpx.AsyncClient(trust_env=False) as client:
            assert (await client.get(runtime.edge() + "/who")).status_code == 200
        assert (
            (await run(await runtime.workloads.command("currency", "env", "TITLE_ADDRESS")))
            .strip()
            .endswith(":50051")
        )
        with pytest.raises(NeedsMesh):
            await runtime.mesh.apply([Path("x.yaml")])
        with pytest.raises(NeedsMesh):
            await runtime.workloads.scale("monolith", 2)
        with pytest.raises(NeedsMesh):
            await runtime.mesh.proxy_certificate("monolith")
    finally:
        await runtime.down()


async def test_without_mesh_the_edge_is_the_monolith_while_it_serves_and_then_the_gateway(
    standins: None,
) -> None:
    runtime = await LocalRuntime.up(f"edge-{os.getpid()}", mesh=False)

    async def answering() -> int:
        async with httpx.AsyncClient(base_url=runtime.edge(), trust_env=False) as client:
            pid: int = (await client.get("/who")).json()["pid"]
            return pid

    async def pid_of(workload: str) -> int | None:
        (pid,) = [one.pid for one in await runtime.workloads.statuses() if one.name == workload]
        return pid

    try:
        with pytest.raises(
            (httpx.RemoteProtocolError, httpx.ReadError)
        ):  # as the request comes after or before
            await answering()
        edge = runtime.edge()
        await runtime.workloads.start("gateway")
        await runtime.workloads.start("monolith")
        assert await answering() == await pid_of("monolith")
        async with httpx.AsyncClient(base_url=edge, trust_env=False) as client:
            slow = asyncio.create_task(client.get("/slow"))
            await asyncio.sleep(0.2)
            await runtime.workloads.stop("monolith")
            assert (await slow).status_code == 200
            assert await answering() == await pid_of("gateway")
            assert (await client.get("/who")).json()["pid"] == await pid_of("gateway")
        await runtime.workloads.start("monolith")
        assert (await answering(), runtime.edge()) == (await pid_of("monolith"), edge)
    finally:
        await runtime.down()


async def test_without_mesh_a_scene_that_needs_one_is_refused_before_it_changes_anything(
    standins: None,
) -> None:
    runtime = await LocalRuntime.up(f"refused-{os.getpid()}", mesh=False)
    try:
        await runtime.workloads.start("monolith")
        async with connected(runtime, "monolith") as db:
            await db.execute(TABLES)
        before = await runtime.workloads.statuses()
        (result,), proof = await scenes.perform(runtime, [BY_NAME["canary-weight"]], Nobody())
        assert (result.passed, proof.orders) == (False, 0)
        assert result.why == "needs the mesh (`figtree down`, then start without MESH=off)"
        assert await runtime.workloads.statuses() == before
    finally:
        await runtime.down()


async def test_a_start_whose_progress_nobody_reads_any_more_leaves_nothing(standins: None) -> None:
    """`figtree up | head -1` left an instance behind that was half started."""
    name = f"unread-{os.getpid()}"

    def progress(text: str) -> None:
        raise BrokenPipeError(text)

    with pytest.raises(BrokenPipeError):
        await LocalRuntime.up(name, mesh=False, progress=progress)
    assert not supervisors(name)
    assert not directory_of(name).exists()


async def test_a_start_that_fails_takes_everything_down_and_what_is_there_already_is_left_alone(
    standins: None,
) -> None:
    name, display = f"fails-{os.getpid()}", RecordingDisplay()
    settings = Settings(figtree_name=name, runtime="local", mesh="off")
    with pytest.raises(CommandFailed, match="nothing to seed"):
        await tour.up(settings, display)
    assert display.notes[-1] == "the start has failed: stopping everything again"
    assert not supervisors(name)
    assert not directory_of(name).exists()
    runtime = await LocalRuntime.up(name, mesh=False)
    try:
        await runtime.workloads.start("monolith")
        await tour.up(settings, display)  # the monolith runs, so that nothing is seeded
        assert any(note.startswith(f"{name} is there already: it is used as it is") for note in display.notes)
        (pid,) = [one.pid for one in await runtime.workloads.statuses()]
        assert pid is not None
        os.kill(pid, signal.SIGSTOP)
        for _ in range(600):
            if not all(one.ready for one in await runtime.workloads.statuses()):
                break
            await asyncio.sleep(0.1)
        with pytest.raises(RuntimeFailure, match=r"does not work: monolith \(failing\).*figtree down"):
            await tour.up(settings, display)
        assert supervisors(name)
    finally:
        await runtime.down()


class RecordingDisplay:
    """What a display was told."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    def phase(self, step: str, text: str) -> None: ...

    def note(self, text: str) -> None:
        self.notes.append(text)


async def test_databases_are_private_and_can_replicate(standins: None) -> None:
    runtime = await LocalRuntime.up(f"db-{os.getpid()}", mesh=False)
    try:
        await asyncio.gather(runtime.workloads.start("currency"), runtime.workloads.start("monolith"))
        theirs = (await run(await runtime.workloads.command("currency", "env", "DATABASE_URL"))).strip()
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await asyncpg.connect(theirs.rpartition("/")[0] + "/monolith")
        source = await asyncpg.connect(await runtime.databases.admin_url("monolith"))
        target = await asyncpg.connect(await runtime.databases.admin_url("currency"))
        try:
            await source.execute("CREATE TABLE t(a int primary key); INSERT INTO t VALUES (1)")
            await source.execute("CREATE PUBLICATION p FOR TABLE t")
            await source.execute("SELECT pg_create_logical_replication_slot('s', 'pgoutput')")
            await target.execute("CREATE TABLE t(a int primary key)")
            conninfo = await runtime.databases.replication_conninfo("monolith")
            await target.execute(
                f"CREATE SUBSCRIPTION s CONNECTION '{conninfo}' PUBLICATION p WITH (create_slot = false)"
            )
            for _ in range(300):
                if await target.fetchval("SELECT count(*) FROM t") == 1:
                    break
                await asyncio.sleep(0.05)
            assert await target.fetchval("SELECT count(*) FROM t") == 1
            await target.execute("DROP SUBSCRIPTION s")
        finally:
            await source.close()
            await target.close()
    finally:
        await runtime.down()


async def test_two_instances_live_side_by_side_and_end_without_a_trace(standins: None) -> None:
    names = [f"a-{os.getpid()}", f"b-{os.getpid()}"]
    first, second = await asyncio.gather(*(LocalRuntime.up(name) for name in names))
    try:
        assert first.edge() != second.edge()
        await asyncio.gather(first.workloads.start("currency"), second.workloads.start("currency"))
        assert (await first.workloads.statuses())[0].ip != (await second.workloads.statuses())[0].ip
    finally:
        await asyncio.gather(first.down(), second.down())
    for name in names:
        assert not directory_of(name).exists()
        assert not leftovers.leftovers(directory_of(name))
        with pytest.raises(NotRunning):
            await LocalRuntime.connect(name)


async def test_goes_on_after_its_supervisor_was_killed_hard(standins: None) -> None:
    name = f"hard-{os.getpid()}"
    runtime = await LocalRuntime.up(name)
    await asyncio.gather(runtime.workloads.start("currency"), runtime.workloads.start("monolith"))
    await runtime.workloads.stop("monolith")
    await runtime.mesh.apply([TRAFFIC / "edge-currency-50.yaml"])
    async with connected(runtime, "currency") as db:
        await db.execute("create table kept as select 1")
    edge = runtime.edge()
    (supervisor,) = supervisors(name)
    supervisor.kill()
    supervisor.wait(5)
    with pytest.raises(NotRunning):
        await runtime.workloads.statuses()
    runtime = await LocalRuntime.up(name)
    try:
        assert [(one.name, one.state) for one in await runtime.workloads.statuses()] == [
            ("currency", "ready")
        ]
        assert (await runtime.mesh.applied())[
            "VirtualService/figtree/edge-currency"
        ].stem == "edge-currency-50"
        assert runtime.edge() == edge
        async with connected(runtime, "currency") as db:
            assert await db.fetchval("select count(*) from kept") == 1
        # A monolith that serves no more has its database still, and the strangler's state in it.
        assert await runtime.databases.has("monolith")
        assert not await runtime.databases.has("pricing")
    finally:
        await runtime.down()
    assert not leftovers.leftovers(directory_of(name))


async def test_what_a_killed_supervisor_left_is_removed_on_request(standins: None) -> None:
    name = f"gone-{os.getpid()}"
    assert not LocalRuntime.forget(name)
    await LocalRuntime.up(name, mesh=False)
    assert not LocalRuntime.forget(name)
    (supervisor,) = supervisors(name)
    supervisor.kill()
    supervisor.wait(5)
    assert LocalRuntime.forget(name)
    assert not directory_of(name).exists()
    assert not leftovers.leftovers(directory_of(name))


async def test_what_cannot_go_on_because_its_address_is_taken_is_kept_until_it_can(standins: None) -> None:
    name = f"kept-{os.getpid()}"
    runtime = await LocalRuntime.up(name, mesh=False)
    (supervisor,) = supervisors(name)
    supervisor.kill()
    supervisor.wait(5)
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", runtime.info.page_port))
        other.listen()
        with pytest.raises(StartFailed, match="another program has taken"):
            await LocalRuntime.up(name, mesh=False)
    runtime = await LocalRuntime.up(name, mesh=False)
    await runtime.down()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_everything(standins: None, number: signal.Signals) -> None:
    name = f"sig-{os.getpid()}"
    await LocalRuntime.up(name)
    (supervisor,) = supervisors(name)
    supervisor.send_signal(number)
    supervisor.wait(15)
    assert not directory_of(name).exists()
    assert not leftovers.leftovers(directory_of(name))


def test_a_umask_of_077_keeps_nobody_out_of_the_programs_that_it_runs() -> None:
    env = os.environ | {"FIGTREE_NAME": f"umask-{os.getpid()}", "RUNTIME": "local"}
    for command in ("up", "down"):
        done = subprocess.run(
            [Path(sys.executable).with_name("figtree"), command],
            env=env,
            umask=0o077,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(("flag", "base"), [(0, "/tmp"), (os.ST_NOEXEC, "/var/tmp")])
def test_an_instance_lies_where_its_programs_can_be_executed(
    monkeypatch: pytest.MonkeyPatch, flag: int, base: str
) -> None:
    monkeypatch.delenv("FIGTREE_HOME", raising=False)
    monkeypatch.setattr(os, "statvfs", lambda _: SimpleNamespace(f_flag=flag))
    assert directory_of("x").parent == Path(base)


def test_a_user_without_a_passwd_entry_is_told_what_to_do(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def unknown(_: int) -> None:
        raise KeyError

    monkeypatch.setattr(pwd, "getpwuid", unknown)
    server = Postgres(tmp_path / "pg", "127.0.0.1", 1, {}, tmp_path / "log", Events())
    with pytest.raises(StartFailed, match=r"no entry in /etc/passwd.*useradd"):
        server._prepare()


def test_a_user_without_a_home_is_told_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(_: int) -> None:
        raise KeyError

    for name in ("XDG_CACHE_HOME", "HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(pwd, "getpwuid", unknown)
    with pytest.raises(RuntimeFailure, match="set HOME or XDG_CACHE_HOME"):
        cache_folder()
