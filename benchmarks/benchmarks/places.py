"""Where it is measured: one instance without the mesh that runs everything, and one with the mesh in the last shape."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
from localmesh import LocalRuntime
from localmesh.instance import directory_of
from localmesh.leftovers import is_supervised
from runtime.api import Runtime, RuntimeFailure
from runtime.commands import run
from strangler.database import MONOLITH, connected
from strangler.module import TRAFFIC
from strangler.modules import MODULES

SERVICES = ("currency", "title", "customer", "pricing", "order", "gateway")
PLAIN, BARE = "bench_plain", "bench_bare"  # databases of the yardstick and of pgbench
READ_ONLY = [table for module in MODULES if not module.written_live for table in module.tables]


async def instance(name: str, *, mesh: bool, titles: int = 0) -> LocalRuntime:
    """The last shape, filled; with the monolith beside it where there is no mesh. What runs already is left alone."""
    if await asyncio.to_thread(is_supervised, directory_of(name)):
        return await LocalRuntime.connect(name)
    runtime = await LocalRuntime.up(name, mesh=mesh)
    await runtime.workloads.start(MONOLITH)
    await run(
        await runtime.workloads.command(MONOLITH, "seed", *(["--titles", str(titles)] if titles else []))
    )
    for service in SERVICES:
        await runtime.workloads.start(service)
    await run(await runtime.workloads.command("customer", "seed"))
    for module in MODULES:
        for table in module.tables if not module.written_live else ():
            await copy(runtime, MONOLITH, module.name, table.name)
    if mesh:
        await runtime.mesh.apply([TRAFFIC / "edge-rest-gateway.yaml"])
        await runtime.workloads.stop(MONOLITH)
    return runtime


async def copy(runtime: Runtime, source: str, target: str, table: str) -> None:
    async with connected(runtime, source) as here, connected(runtime, target) as there:
        rows = await here.fetch(f"select * from {table}")  # the names are those of the code
        if rows:
            await there.copy_records_to_table(table, records=rows, columns=list(rows[0].keys()))


async def floor_databases(runtime: Runtime) -> dict[str, str]:
    """The URLs of the databases of the yardstick and of pgbench, made and filled once."""
    urls = {}
    for name in (PLAIN, BARE):
        async with connected(runtime, "postgres") as db:
            exists = await db.fetchval("select true from pg_database where datname = $1", name)
            if not exists:
                await db.execute(f"create database {name}")
        urls[name] = await runtime.databases.admin_url(name)
        if not exists:
            await _create(urls[name])
            for table in READ_ONLY:
                await copy(runtime, MONOLITH, name, table.name)
    return urls


async def _create(url: str) -> None:
    from sqlalchemy.ext.asyncio import create_async_engine

    from benchmarks.plain.tables import Base

    engine = create_async_engine(url.replace("postgresql://", "postgresql+asyncpg://"))
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    await engine.dispose()


@asynccontextmanager
async def yardstick(url: str, address: str) -> AsyncIterator[int]:
    """The plain monolith as one process; its pid."""
    host, _, port = address.rpartition(":")
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "uvicorn",
        "benchmarks.plain.app:app",
        "--host",
        host,
        "--port",
        port,
        "--log-level",
        "warning",
        "--no-access-log",
        env=os.environ | {"DATABASE_URL": url},
    )
    try:
        for _ in range(600):  # 30 s: 10 were too few at a load of 12 on two cores (2026-11-30)
            if process.returncode is not None:
                raise RuntimeFailure("the yardstick has ended at once")
            try:
                _, writer = await asyncio.open_connection(host, int(port))
                writer.close()
                break
            except OSError:
                await asyncio.sleep(0.05)
        else:
            raise RuntimeFailure("the yardstick does not start")
        yield process.pid
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def stored(url: str) -> tuple[int, int]:
    """How many orders there are, and how far the write-ahead log has come."""
    connection = await asyncpg.connect(url, timeout=10)
    try:
        return tuple(
            await connection.fetchrow("select (select count(*) from orders), pg_current_wal_lsn() - '0/0'")
        )
    finally:
        await connection.close()
