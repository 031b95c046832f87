"""A database has one owner."""

from urllib.parse import urlsplit

import asyncpg
from strangler.database import connected

from scenes.engine.scene import Scene
from scenes.engine.stage import Stage

OWNERS = ("currency", "title", "pricing", "customer", "order")
DATABASES = (*OWNERS, "monolith")


async def _gets_in(url: str, database: str, target: str) -> bool:
    """Try with one service's own name and password at the place where another one's database is."""
    own, place = urlsplit(url), urlsplit(target)
    try:
        connection = await asyncpg.connect(
            user=own.username,
            password=own.password,
            host=place.hostname,
            port=place.port,
            database=database,
            timeout=10,
        )
    except (asyncpg.InsufficientPrivilegeError, asyncpg.InvalidAuthorizationSpecificationError):
        return False
    await connection.close(timeout=5)
    return True


async def private(stage: Stage) -> None:
    urls = {name: await stage.runtime.databases.url(name) for name in OWNERS}
    places = {name: await stage.runtime.databases.admin_url(name) for name in DATABASES}
    foreign_roles: dict[str, list[str]] = {name: [] for name in DATABASES}

    async def everybody_has_a_role_everywhere(drop: bool = False) -> None:
        """As on one server for all; where each service has a server of its own, its role exists nowhere else."""
        for database in DATABASES:
            async with connected(stage.runtime, database) as db:
                for owner in OWNERS:
                    known = await db.fetchval("select rolname from pg_roles where rolname = $1", owner)
                    if drop and owner in foreign_roles[database]:
                        await db.execute(f'drop role "{owner}"')
                    elif not drop and not known:
                        password = urlsplit(urls[owner]).password
                        await db.execute(f"create role \"{owner}\" login password '{password}'")
                        foreign_roles[database].append(owner)

    async def let(verb: str) -> None:
        for database in DATABASES:
            async with connected(stage.runtime, database) as db:
                await db.execute(
                    f'{verb} connect on database "{database}" {"to" if verb == "grant" else "from"} public'
                )

    async def intruders() -> list[str]:
        return [
            f"{owner} in {database}"
            for owner in OWNERS
            for database in DATABASES
            if owner != database and await _gets_in(urls[owner], database, places[database])
        ]

    pairs = len(OWNERS) * (len(DATABASES) - 1)
    stage.undo.append(lambda: everybody_has_a_role_everywhere(drop=True))
    stage.undo.append(lambda: let("revoke"))
    await everybody_has_a_role_everywhere()
    await let("grant")
    before = await intruders()
    stage.figure("connections to others' databases, as PostgreSQL comes", f"{len(before)} of {pairs}")
    stage.expect(len(before) == pairs, f"as PostgreSQL comes, {len(before)} of {pairs} foreign roles get in")
    await stage.cause("revoke connect on each database from public", lambda: let("revoke"))
    after = await intruders()
    stage.figure("connections to others' databases, as we set it up", f"{len(after)} of {pairs}")
    stage.expect(
        not after, f"{len(after)} of {pairs} foreign roles get in{': ' if after else ''}{', '.join(after)}"
    )
    own = [name for name in OWNERS if await _gets_in(urls[name], name, places[name])]
    stage.expect(len(own) == len(OWNERS), f"{len(own)} of {len(OWNERS)} services get into their own database")


SCENES = (
    Scene(
        name="private-databases",
        group="security",
        title="Private databases are private",
        says="A database belongs to one service; the others ask that service, not its tables.",
        hypothesis="The role of each service connects to its own database and to no other one's.",
        act=private,
        needs="",
    ),
)
