"""The next value of a sequence is not replicated: a cut-over carries it over while writers are held back."""

import asyncpg
from runtime.api import Runtime

from strangler.database import MONOLITH, connected
from strangler.module import Module
from strangler.names import Direction, ends

# Those that belong to a column of the tables (serial, identity), and those that a column's default names.
USED = """
select s.oid::regclass::text as sequence, t.oid::regclass::text as used_by from pg_class t
  left join pg_attrdef a on a.adrelid = t.oid
  join pg_depend d on (d.classid = 'pg_class'::regclass and d.refobjid = t.oid and d.deptype in ('a', 'i'))
    or (d.classid = 'pg_attrdef'::regclass and d.objid = a.oid)
  join pg_class s on s.relkind = 'S' and s.oid in (d.objid, d.refobjid)
where t.oid = any($1::text[]::regclass[]) and s.oid <> all($2::text[]::regclass[]) group by 1, 2 order by 1, 2
"""


async def forgotten(db: asyncpg.Connection, module: Module, database: str) -> list[str]:
    """What is wrong with the module's sequences in that database: those that it does not name, and those that it names
    and that do not exist. A sequence that only the application's statements name is not found."""
    named = [sequence.at(database) for sequence in module.sequences]
    missing = [name for name in named if not await db.fetchval("select to_regclass($1) is not null", name)]
    if missing:
        return [f"the database {database} has no sequence {name}, which the module names" for name in missing]
    tables = [table.name for table in module.written_in(database)]
    side = "monolith" if database == MONOLITH else "service"
    return [
        f"the sequence {row['sequence']} of the {side}'s table {row['used_by']} would not be carried over: add it to"
        f" `sequences` of the module {module.name}"
        for row in await db.fetch(USED, tables, named)
    ]


async def carry_over(runtime: Runtime, module: Module, direction: Direction) -> None:
    """Let each sequence of the next writer go on exactly where that of the last one stands.

    The last writer is fenced: a value that it takes from now on is never stored. What its sessions have cached counts
    as taken.
    """
    if not module.sequences:  # writers wait meanwhile
        return
    publisher, subscriber = ends(module, direction)
    async with connected(runtime, publisher) as last, connected(runtime, subscriber) as following:
        for sequence in module.sequences:
            stands = await last.fetchrow(f"select last_value, is_called from {sequence.at(publisher)}")
            await following.execute(
                "select setval($1::text::regclass, $2, $3)", sequence.at(subscriber), *stands
            )
