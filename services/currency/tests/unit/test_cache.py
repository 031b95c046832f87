import asyncio
from datetime import date, timedelta
from typing import Any

import pytest
from currency.cache import CachedRates
from currency.domain import Rate


async def test_many_who_ask_at_once_cost_one_read(memory: Any, history: list[Rate]) -> None:
    await memory.put([history])
    cached = CachedRates(memory)
    found = await asyncio.gather(*(cached.find(None) for _ in range(50)))
    assert (memory.reads, len({id(one) for one in found})) == (1, 1)


async def test_what_another_process_imported_is_seen_in_time(memory: Any, history: list[Rate]) -> None:
    cached = CachedRates(memory, seconds=0.01)
    assert await cached.find(None) is None
    await memory.put([history])
    await asyncio.sleep(0.02)
    assert await cached.find(None) is not None


async def test_it_remembers_a_bounded_number_of_days(memory: Any, history: list[Rate]) -> None:
    await memory.put([history])
    cached = CachedRates(memory, days=3)
    for day in range(10):
        await cached.find(date(2026, 4, 10) - timedelta(day))
    assert len(cached._found._entries) == 3


async def test_a_failure_is_not_remembered(memory: Any, history: list[Rate]) -> None:
    original, cached = memory.find, CachedRates(memory)

    async def failing(on: date | None) -> None:
        raise ConnectionError

    memory.find = failing
    with pytest.raises(ConnectionError):
        await cached.find(None)
    memory.find = original
    await memory.put([history])
    assert await cached.find(None) is not None


async def test_a_caller_that_gives_up_does_not_take_the_others_along(memory: Any) -> None:
    original, cached = memory.find, CachedRates(memory)

    async def slow(on: date | None) -> Any:
        await asyncio.sleep(0.02)
        return await original(on)

    memory.find = slow
    first, second = (asyncio.create_task(cached.find(None)) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    assert await second is None
    assert memory.reads == 1
