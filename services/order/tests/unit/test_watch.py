import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest
from order.domain import Event, UnknownOrder
from order.watch import Watches

ALL = [(1, "placed"), (2, "accepted"), (3, "shipped")]


class Source:
    def __init__(self) -> None:
        self.kept: dict[UUID, list[Event]] = {}
        self.calls: list[set[UUID]] = []
        self.is_down = False

    def add(self, order_id: UUID, count: int) -> None:
        now = datetime.now(UTC)
        self.kept[order_id] = [Event(order_id, n, status, now) for n, status in ALL[:count]]

    async def events(self, order_id: UUID) -> Sequence[Event] | None:
        return self.kept.get(order_id)

    async def news(self, after: Mapping[UUID, int]) -> Sequence[Event]:
        self.calls.append(set(after))
        if self.is_down:
            raise ConnectionError
        return [e for order_id, n in after.items() for e in self.kept[order_id] if e.sequence > n]


async def watched(watches: Watches, order_id: UUID, after: int = 0) -> list[int]:
    return [event.sequence async for event in watches.events(str(order_id), after)]


async def test_an_order_that_has_ended_needs_no_poll() -> None:
    source, order_id = Source(), uuid4()
    source.add(order_id, 3)
    assert await watched(Watches(source), order_id) == [1, 2, 3]
    assert await watched(Watches(source), order_id, 2) == [3]
    assert await watched(Watches(source), order_id, 99) == []
    assert source.calls == []


@pytest.mark.parametrize("order_id", [str(uuid4()), "junk"], ids=["unknown", "junk"])
async def test_an_unknown_order_is_said_to_be_unknown(order_id: str) -> None:
    with pytest.raises(UnknownOrder):
        await anext(Watches(Source()).events(order_id, 0))


async def test_all_watchers_share_one_query_and_nobody_asks_when_nobody_watches() -> None:
    source, ids = Source(), [uuid4() for _ in range(3)]
    for order_id in ids:
        source.add(order_id, 1)
    watches = Watches(source, interval=0.01)
    tasks = [asyncio.create_task(watched(watches, order_id, n)) for order_id in ids for n in (0, 1)]
    await asyncio.sleep(0.05)
    assert max(map(len, source.calls)) == 3
    assert len(source.calls) <= 7
    for order_id in ids:
        source.add(order_id, 3)
    assert await asyncio.gather(*tasks) == [[1, 2, 3], [2, 3]] * 3
    await asyncio.sleep(0.03)
    calls = len(source.calls)
    await asyncio.sleep(0.03)
    assert len(source.calls) == calls
    source.add(ids[0], 1)
    again = asyncio.create_task(watched(watches, ids[0]))
    await asyncio.sleep(0.02)
    source.add(ids[0], 3)
    assert await again == [1, 2, 3]


async def test_a_watcher_that_leaves_is_forgotten() -> None:
    source, order_id = Source(), uuid4()
    source.add(order_id, 1)
    watches = Watches(source, interval=0.01)
    task = asyncio.create_task(watched(watches, order_id))
    await asyncio.sleep(0.02)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert watches._watchers == {}
    await watches.close()


async def test_watchers_wait_for_a_database_that_comes_back() -> None:
    source, order_id = Source(), uuid4()
    source.add(order_id, 1)
    source.is_down = True
    task = asyncio.create_task(watched(Watches(source, interval=0.01), order_id))
    await asyncio.sleep(0.03)
    source.add(order_id, 3)
    source.is_down = False
    assert await task == [1, 2, 3]
