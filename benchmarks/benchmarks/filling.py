"""Orders that were stored long ago, as many as are asked for."""

from runtime.api import Runtime
from strangler.database import connected

PART = 50_000
FILL = """
    with made as (
        select n, uuidv7(make_interval(secs => (n - {last}) / 1000.0 - 60)) as id, now() - interval '1 minute' as at
        from generate_series({first}, {last}) n
    ), placed as (
        insert into orders
        select id, 'c-' || 1001 + n % 30, 'fill-' || n, md5(n::text) || md5(n::text), 'shipped', 'EUR', 0, 37.02, at, at
        from made
    ), lines as (
        insert into order_lines
        select id, l, 't-' || lpad((1 + (n * 7 + l * 13) % 500)::text, 6, '0'), 3, 6.17, 18.51
        from made, generate_series(1, 2) l
    )
    insert into order_events
    select id, s, (array['placed', 'accepted', 'shipped'])[s], at, true from made, generate_series(1, 3) s
"""


async def fill(runtime: Runtime, orders: int) -> int:
    """Until there are so many; how many there are."""
    async with connected(runtime, "order") as db:
        have: int = await db.fetchval("select count(*) from orders")
        while have < orders:
            last = min(orders, have + PART)
            await db.execute(FILL.format(first=have + 1, last=last), timeout=300)
            have = last
        await db.execute("vacuum analyze", timeout=300)
        return have
