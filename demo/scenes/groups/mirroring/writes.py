"""A shadow that places every order a second time, where it can do no harm."""

import asyncio
import secrets
import uuid
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import asyncpg
from strangler.database import connected

from scenes.engine.counters import calls_to
from scenes.engine.stage import Stage
from scenes.groups.routing.quotes import BULK

MIRROR = "mirror/order-shadow.yaml"
COUNT = 20
CUSTOMER = "scene-shadow"
COPIES = calls_to("order", "shadow")
TABLES = ("orders", "order_lines", "order_events")
ROLE = "order_shadow"
NOBODY = "nats://127.0.0.1:9"  # the shadow's events stay in its own outbox
GRANTS = """
    grant connect on database "{database}" to order_shadow;
    grant usage on schema shadow to order_shadow;
    grant select, insert, update on all tables in schema shadow to order_shadow;
    alter role order_shadow set search_path = shadow
"""
REMOVE = """
    drop schema if exists shadow cascade;
    do $$ begin
        if exists (select from pg_roles where rolname = 'order_shadow') then
            drop owned by order_shadow;
            drop role order_shadow;
        end if;
    end $$
"""


async def shadow(stage: Stage) -> None:
    url = await _own_tables(stage)
    await stage.prepare("traffic/order-subsets.yaml")
    await stage.prepare("traffic/order-v1.yaml")
    settings = {"DATABASE_URL": url, "NATS_URL": NOBODY}
    async with stage.variant("order", "shadow", settings):
        try:
            await stage.apply(MIRROR)
            await _placed_twice(stage, url)
        finally:
            await asyncio.shield(stage.prepare("traffic/order-v1.yaml"))


async def _own_tables(stage: Stage) -> str:
    """Tables of the same shape in another schema, and a role that can reach nothing but these; its address."""
    password = secrets.token_hex(16)
    place = urlsplit(await stage.runtime.databases.url("order"))
    database = place.path.removeprefix("/")

    async def remove() -> None:
        async with connected(stage.runtime, "order") as db:
            await db.execute(REMOVE)

    await remove()
    stage.undo.append(remove)
    async with connected(stage.runtime, "order") as db:
        await db.execute(f"create role {ROLE} login password '{password}'; create schema shadow")
        for table in TABLES:
            await db.execute(f"create table shadow.{table} (like public.{table} including all)")
        await db.execute(GRANTS.format(database=database))
    return urlunsplit(place._replace(netloc=f"{ROLE}:{password}@{place.hostname}:{place.port}"))


async def _placed_twice(stage: Stage, url: str) -> None:
    run, sent = str(uuid.uuid4()), await stage.counted("gateway", COPIES)
    placed: dict[str, str] = {}
    for number in range(COUNT):
        order = BULK | {"customer_id": CUSTOMER}
        answers = await stage.burst(
            "POST", "/api/orders", 1, json=order, headers={"idempotency-key": f"{run}-{number}"}
        )
        placed |= {answer.json()["id"]: answer.json()["total"] for answer in answers.answers if answers.good}
    stage.expect(len(placed) == COUNT, f"{len(placed)} of {COUNT} orders were placed")

    async def copied() -> bool:
        return await stage.counted("gateway", COPIES) - sent >= COUNT

    async def copies() -> Any:
        found = await _rows(stage, "shadow", run)
        return found if len(found) >= COUNT else None

    await stage.eventually(f"the shadow got a copy of each of {COUNT} orders", copied)
    shadowed = await stage.eventually(f"the shadow has placed {COUNT} orders, too", copies, 20)
    real = await _rows(stage, "public", run)
    theirs = {row["id"] for row in shadowed}
    stage.figure("orders placed by users", COUNT)
    stage.figure("rows in the real table", len(real))
    stage.figure("rows in the shadow's table", len(shadowed))
    stage.expect({row["id"] for row in real} == set(placed), "the real table holds exactly the users' orders")
    stage.expect(len(real) == COUNT, f"{len(real)} rows for {COUNT} orders: none appears twice")
    stage.expect(not theirs & set(placed), "none of the shadow's orders is among them")
    equal = sum(a["total"] == b["total"] for a, b in zip(real, shadowed, strict=True))
    stage.figure("orders that come to the same total", f"{equal} of {COUNT}")
    stage.expect(equal == COUNT, f"{equal} of {COUNT} orders come to the same total on both sides")
    refusal = await _refusal(stage, url)
    stage.figure("the shadow's role on the real table", refusal)
    stage.expect("permission denied" in refusal, f"the shadow's role cannot write real data: {refusal}")


async def _rows(stage: Stage, schema: str, run: str) -> list[asyncpg.Record]:
    sql = f"select id::text, total from {schema}.orders where customer_id = $1 and idempotency_key like $2"  # noqa: S608
    async with connected(stage.runtime, "order") as db:
        rows: list[asyncpg.Record] = await db.fetch(f"{sql} order by idempotency_key", CUSTOMER, f"{run}-%")
    return rows


async def _refusal(stage: Stage, url: str) -> str:
    role, place = urlsplit(url), urlsplit(await stage.runtime.databases.admin_url("order"))
    connection = await asyncpg.connect(
        host=place.hostname,
        port=place.port,
        user=role.username,
        password=role.password,
        database=role.path.removeprefix("/"),
        timeout=10,
    )
    try:
        await connection.execute("delete from public.orders")
    except asyncpg.PostgresError as error:
        return str(error)
    finally:
        await connection.close(timeout=5)
    return "not refused"
