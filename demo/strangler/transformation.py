"""Rows between two shapes: the monolith's tables and the service's own differ, and SQL computes one from the other.

Logical replication matches tables by name and columns, so the service's database gets the monolith's tables as well:
the landing tables. Each table of both shapes has a view that computes its rows from the other shape (Derived.select),
and triggers on its sources that bring the rows which follow from a changed one up to date:

    monolith's tables -> replication -> landing tables -> REPLICA triggers -> service's tables
    monolith's tables <- replication <- landing tables <- triggers         <- service's tables

The first fire for what replication applies and for nothing else, the others for the service's own statements and not
for what replication applies, so no change comes back to where it began.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
from runtime.api import Runtime, RuntimeFailure

from strangler import fence
from strangler.database import MONOLITH, connected
from strangler.module import SCHEMA, Derived, Module, Table

MARK = "landing table of the strangler"  # a comment: only what has it is ever dropped
# Nobody's temporary table or function may stand in for one that the triggers mean: they run as the superuser.
PATH = "public, pg_temp"
COLUMNS = (
    "select quote_ident(attname) as name, format_type(atttypid, atttypmod) as type from pg_attribute"
    " where attrelid = $1::regclass and attnum > 0 and not attisdropped order by attnum"
)


class TransformationFailed(RuntimeFailure):
    """What a module declares cannot be carried out; the text names the table and has PostgreSQL's own words."""


async def prepare(runtime: Runtime, module: Module) -> None:
    """Make the landing tables, empty, and the views anew. Raises TransformationFailed."""
    landing = _landing(module)
    async with connected(runtime, MONOLITH) as db:
        columns = {table.name: await db.fetch(COLUMNS, table.name) for table in landing}
    async with connected(runtime, module.name) as db, db.transaction():
        await db.execute(f"drop schema if exists {SCHEMA} cascade")
        await db.execute(f"create schema {SCHEMA}")
        for table in landing:
            async with _failing_as(module, table):
                await _make_landing_table(db, module, table, columns[table.name])
        for derived in (*module.service_tables, *landing):
            async with _failing_as(module, derived):
                await db.execute(f"create view {derived.view} as {derived.select}")


async def _make_landing_table(
    db: asyncpg.Connection, module: Module, table: Table, columns: list[asyncpg.Record]
) -> None:
    mark = await db.fetchrow(
        "select obj_description(oid) as text from pg_class where oid = to_regclass($1)", table.name
    )
    if mark is not None and mark["text"] != MARK:
        raise TransformationFailed(
            f"{module.name}: the service's database has a table {table.name} of its own, and replication needs one of"
            " this name: give the service's tables other names, or a schema of their own"
        )
    definitions = ", ".join(f"{column['name']} {column['type']}" for column in columns)
    await db.execute(f"drop table if exists {table.name}")
    await db.execute(f"create table {table.name} ({definitions}, primary key ({', '.join(table.key)}))")
    await db.execute(f"comment on table {table.name} is '{MARK}'")


async def begin(runtime: Runtime, module: Module) -> None:
    """Fill the service's tables from the landing tables, and keep both in step from now on. May be repeated.

    Raises TransformationFailed.
    """
    landing = _landing(module)
    async with connected(runtime, module.name) as db, db.transaction():
        await fence.lock(db, landing)  # what replication brings meanwhile waits, and meets the triggers
        async with _failing_as(module, module.service_tables[0]):
            await fence.empty(db, module.service_tables)
        await db.execute("set local session_replication_role = replica")  # past the fence
        for derived in module.service_tables:
            async with _failing_as(module, derived):
                columns = [row["name"] for row in await db.fetch(COLUMNS, derived.view)]
                await db.execute(_insert(derived, columns, "true"))
                await _keep_in_step(db, derived, columns, replica=True)
        for derived in landing:
            async with _failing_as(module, derived):
                columns = [row["name"] for row in await db.fetch(COLUMNS, derived.view)]
                await _keep_in_step(db, derived, columns, replica=False)


def _landing(module: Module) -> tuple[Derived, ...]:
    derived = tuple(table for table in module.tables if isinstance(table, Derived))
    if len(derived) < len(module.tables):
        raise ValueError(f"{module.name} has service_tables, so each of its tables must be Derived as well")
    return derived


async def _keep_in_step(
    db: asyncpg.Connection, derived: Derived, columns: list[str], *, replica: bool
) -> None:
    """Triggers on the sources of a table. They run as their owner: the service needs no right to the other shape."""
    name = derived.view.partition(".")[2]
    values = [f"${n}" for n, _ in enumerate(derived.group, 1)]
    types = ", ".join(f"{derived.view}.{column}%type" for column in derived.group)
    one = " and ".join(f"t.{column} = {value}" for column, value in zip(derived.group, values, strict=True))
    # Without the lock, of two transactions that change two sources of one row, the second would not see the first's.
    # A function's next statement sees what was committed while this one waited.
    await db.execute(f"""
        create or replace function {SCHEMA}.derive_{name}({types}) returns void language plpgsql as $$
        begin
          perform pg_advisory_xact_lock(hashtextextended('{derived.name} ' || row({", ".join(values)})::text, 0));
          {_delete(derived, one)};
          {_insert(derived, columns, one)};
        end $$;
        create or replace function {SCHEMA}.derive_all_{name}() returns trigger language plpgsql
          security definer set search_path = {PATH} as $$
        begin
          {_delete(derived, "true")};
          {_insert(derived, columns, "true")};
          return null;
        end $$
    """)
    for source, held in derived.sources.items():
        function = f"{SCHEMA}.{source.replace('.', '_')}_to_{name}"
        old, new = (", ".join(f"{row}.{column}" for column in held) for row in ("old", "new"))
        await db.execute(f"""
            create or replace function {function}() returns trigger language plpgsql
              security definer set search_path = {PATH} as $$
            begin
              if tg_op <> 'INSERT' then
                perform {SCHEMA}.derive_{name}({old});
              end if;
              if tg_op = 'INSERT' or tg_op = 'UPDATE' and row({new}) is distinct from row({old}) then
                perform {SCHEMA}.derive_{name}({new});
              end if;
              return null;
            end $$;
            create or replace trigger derive_{name} after insert or update or delete on {source}
              for each row execute function {function}();
            create or replace trigger derive_all_{name} after truncate on {source}
              for each statement execute function {SCHEMA}.derive_all_{name}()
        """)
        if replica:
            for trigger in (f"derive_{name}", f"derive_all_{name}"):
                await db.execute(f"alter table {source} enable replica trigger {trigger}")


def _delete(derived: Derived, which: str) -> str:
    same = " and ".join(f"v.{column} = t.{column}" for column in derived.key)
    return f"delete from {derived.name} t where {which} and not exists (select from {derived.view} v where {same})"


def _insert(derived: Derived, columns: list[str], which: str) -> str:
    changed = [f"{column} = excluded.{column}" for column in columns if column not in derived.key]
    instead = f"update set {', '.join(changed)}" if changed else "nothing"
    return (
        f"insert into {derived.name} ({', '.join(columns)}) overriding system value"
        f" select {', '.join(columns)} from {derived.view} t where {which}"
        f" on conflict ({', '.join(derived.key)}) do {instead}"
    )


@asynccontextmanager
async def _failing_as(module: Module, table: Table) -> AsyncIterator[None]:
    try:
        yield
    except asyncpg.PostgresError as error:
        raise TransformationFailed(
            f"{module.name}: the transformation into {table.name} failed: {error}"
        ) from error
