"""The cut-over gate: both sides must hold the same rows, or it refuses and shows which differ."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

import asyncpg
from runtime.api import Runtime

from strangler import sequences
from strangler.database import MONOLITH, connected
from strangler.module import Module, Table

SHOWN = 5


@dataclass(frozen=True, slots=True)
class Difference:
    """A row that the two databases do not have alike; None for the side that lacks it."""

    table: str
    key: str
    monolith: Mapping[str, str] | None
    service: Mapping[str, str] | None

    def __str__(self) -> str:
        where = f"{self.table} {self.key}"
        if self.monolith is None:
            return f"{where} is only in the service's database"
        if self.service is None:
            return f"{where} is only in the monolith's database"
        columns = [c for c in self.monolith if self.monolith[c] != self.service[c]]
        return f"{where}: " + ", ".join(f"{c} is {self.monolith[c]!r} ≠ {self.service[c]!r}" for c in columns)


@dataclass(frozen=True, slots=True)
class Described(Table):
    """A table and the columns that both databases have; all of them are compared."""

    columns: tuple[str, ...]
    relation: str  # of the service's database
    by_time: bool  # the key begins with a UUID, a UUIDv7 as all of them here


@dataclass(frozen=True, slots=True)
class Comparison:
    """What a comparison of all rows found."""

    rows: int
    keys: set[tuple[str, str]]  # table and key of the rows that differ
    examples: tuple[Difference, ...] = ()

    @property
    def differences(self) -> int:
        """The number of rows that differ."""
        return len(self.keys)


class GateRefused(Exception):
    """The sides differ, so the writer stays where it is."""

    def __init__(self, module: str, reasons: list[str]) -> None:
        super().__init__(f"the gate refuses to cut {module} over: " + "; ".join(reasons))
        self.reasons = reasons


async def compare(runtime: Runtime, module: Module, since: UUID | None = None) -> Comparison:
    """Count and checksum every table on both sides, in 256 parts; rows are looked at only where a part differs.

    `since` restricts to the rows from that id on, in tables whose keys are UUIDv7; others are compared whole.
    """
    rows, keys, examples = 0, set[tuple[str, str]](), list[Difference]()
    async with connected(runtime, MONOLITH) as left, connected(runtime, module.name) as right:
        for name in module.tables:
            table = await _describe(left, right, module, name)
            left_buckets, right_buckets = await asyncio.gather(
                _buckets(left, table.name, table, since), _buckets(right, table.relation, table, since)
            )
            rows += sum(count for count, _ in left_buckets.values())
            differing = [
                bucket
                for bucket in left_buckets.keys() | right_buckets.keys()
                if left_buckets.get(bucket) != right_buckets.get(bucket)
            ]
            if not differing:
                continue
            found = await _differences(
                left, right, table, f"{_since_clause(table, since)} and {_bucket(table)} = any($1)", differing
            )
            keys |= {(table.name, key) for key in found}
            examples += [await _explain(left, right, table, key) for key in found[: SHOWN - len(examples)]]
    return Comparison(rows, keys, tuple(examples))


async def compare_again(runtime: Runtime, module: Module, earlier: Comparison) -> Comparison:
    """Look again at the rows that differed: cheap, however large the table is."""
    keys, examples = set[tuple[str, str]](), list[Difference]()
    async with connected(runtime, MONOLITH) as left, connected(runtime, module.name) as right:
        for name in module.tables:
            if not (wanted := [key for table, key in earlier.keys if table == name.name]):
                continue
            table = await _describe(left, right, module, name)
            found = await _differences(left, right, table, f"where {_key(table)} = any($1)", wanted)
            keys |= {(table.name, key) for key in found}
            examples += [await _explain(left, right, table, key) for key in found[: SHOWN - len(examples)]]
    return Comparison(earlier.rows, keys, tuple(examples))


COLUMNS = (
    "select attname, format_type(atttypid, atttypmod) from pg_attribute"
    " where attrelid = $1::regclass and attnum > 0 and not attisdropped order by attname"
)


async def _describe(
    left: asyncpg.Connection, right: asyncpg.Connection, module: Module, table: Table
) -> Described:
    """The table with its columns. Raises GateRefused if both sides do not have the same ones, of the same types."""
    left_columns = dict(await left.fetch(COLUMNS, table.name))
    right_columns = dict(await right.fetch(COLUMNS, table.in_service))
    if left_columns == right_columns:
        by_time = left_columns[table.key[0]] == "uuid"
        return Described(table.name, table.key, tuple(left_columns), table.in_service, by_time)
    reasons = []
    for column in sorted(left_columns.keys() | right_columns.keys()):
        if column not in right_columns:
            reasons.append(
                f"column {table.name}.{column} ({left_columns[column]}) is only in the monolith's database"
            )
        elif column not in left_columns:
            reasons.append(
                f"column {table.name}.{column} ({right_columns[column]}) is only in the service's database"
            )
        elif left_columns[column] != right_columns[column]:
            reasons.append(
                f"column {table.name}.{column} is {left_columns[column]} in the monolith's database"
                f" and {right_columns[column]} in the service's"
            )
    raise GateRefused(module.name, reasons)


async def same_columns(runtime: Runtime, module: Module) -> None:
    """Raises GateRefused if a table does not have the same columns, of the same types, on both sides, or a sequence
    that the cut-over would not carry over."""
    async with connected(runtime, MONOLITH) as left, connected(runtime, module.name) as right:
        for table in module.tables:
            await _describe(left, right, module, table)
        forgotten = [*await sequences.forgotten(left, module, MONOLITH)]
        forgotten += await sequences.forgotten(right, module, module.name)
    if forgotten:
        raise GateRefused(module.name, forgotten)


def _since_clause(table: Described, since: UUID | None) -> str:
    return f"where {table.key[0]} >= '{since}'" if since and table.by_time else "where true"


def _hash(table: Described) -> str:
    return f"hashtextextended(row({', '.join(table.columns)})::text, 0)"


def _key(table: Table) -> str:
    return f"row({', '.join(table.key)})::text" if len(table.key) > 1 else f"{table.key[0]}::text"


def _bucket(table: Table) -> str:
    return f"hashtext({_key(table)}) & 255"


async def _buckets(
    db: asyncpg.Connection, relation: str, table: Described, since: UUID | None
) -> dict[int, tuple[int, int]]:
    """Count and checksum of each of 256 parts of the table."""
    sql = f"select {_bucket(table)}, count(*), sum({_hash(table)}::numeric) from {relation}"
    rows = await db.fetch(f"{sql} {_since_clause(table, since)} group by 1")
    return {bucket: (int(count), int(checksum)) for bucket, count, checksum in rows}


async def _differences(
    left: asyncpg.Connection,
    right: asyncpg.Connection,
    table: Described,
    where: str,
    wanted: list[int] | list[str],
) -> list[str]:
    sql = f"select {_key(table)}, {_hash(table)} from"
    left_hashes, right_hashes = [
        {row[0]: row[1] for row in await db.fetch(f"{sql} {relation} {where}", wanted)}
        for db, relation in ((left, table.name), (right, table.relation))
    ]
    return sorted(
        key
        for key in left_hashes.keys() | right_hashes.keys()
        if left_hashes.get(key) != right_hashes.get(key)
    )


async def _explain(
    left: asyncpg.Connection, right: asyncpg.Connection, table: Described, key: str
) -> Difference:
    columns = ", ".join(f"{column}::text" for column in table.columns)
    left_row, right_row = [
        await db.fetchrow(f"select {columns} from {relation} where {_key(table)} = $1", key)
        for db, relation in ((left, table.name), (right, table.relation))
    ]
    return Difference(
        table.name, key, dict(left_row) if left_row else None, dict(right_row) if right_row else None
    )
