import asyncio
import time
from collections.abc import Sequence
from contextvars import ContextVar

import pytest
from coalescing.coalesce import Busy, Coalescer
from service_kit import context as call_context

SAMPLED = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
UNSAMPLED = SAMPLED[:-1] + "0"
OTHER = SAMPLED.replace("b7", "b8")
OWNER: ContextVar[int] = ContextVar("owner")


class Work:
    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.deadlines: list[float | None] = []
        self.traces: list[str | None] = []
        self.go = asyncio.Event()
        self.go.set()

    async def __call__(self, items: Sequence[int]) -> list[int]:
        self.batches.append(list(items))
        self.deadlines.append(call_context.current().deadline)
        self.traces.append(call_context.current().headers.get("traceparent"))
        await self.go.wait()
        if -1 in items:
            raise ConnectionError
        return [item * 10 for item in items]


async def start(coalescer: Coalescer[int, int], *items: int) -> list[asyncio.Task[int]]:
    tasks = [asyncio.create_task(coalescer(item)) for item in items]
    for _ in range(3):
        await asyncio.sleep(0)
    return tasks


async def test_a_call_that_comes_alone_does_not_wait() -> None:
    work = Work()
    assert await Coalescer(work)(1) == 10
    assert work.batches == [[1]]


async def test_calls_that_come_while_a_batch_is_worked_on_become_the_next_batch() -> None:
    work = Work()
    coalescer = Coalescer(work, concurrency=1)
    work.go.clear()
    tasks = await start(coalescer, 1)
    tasks += await start(coalescer, 2, 3, 4)
    work.go.set()
    assert await asyncio.gather(*tasks) == [10, 20, 30, 40]
    assert work.batches == [[1], [2, 3, 4]]


async def slow(items: Sequence[int]) -> Sequence[int]:
    await asyncio.sleep(0.04)
    return items


async def test_those_who_were_answered_together_and_come_again_leave_together(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("coalescing.coalesce.WINDOW_LIMIT", 5.0)  # however slow the machine is
    monkeypatch.setattr("coalescing.coalesce.WINDOW_SHARE", 1000.0)
    sizes: list[int] = []

    async def work(items: Sequence[int]) -> Sequence[int]:
        sizes.append(len(items))
        return await slow(items)

    coalescer = Coalescer(work, concurrency=1)

    async def come_and_come_again(item: int) -> None:
        for _ in range(5):
            assert await coalescer(item) == item
            for _ in range(item):
                await asyncio.sleep(0)

    tasks = [asyncio.create_task(come_and_come_again(item)) for item in range(8)]
    await asyncio.gather(*tasks)
    assert sizes == [8] * 5


async def test_who_comes_when_they_do_not_come_again_waits_for_less_than_they_did(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("coalescing.coalesce.WINDOW_LIMIT", 5.0)
    left: list[float] = []

    async def work(items: Sequence[int]) -> Sequence[int]:
        left.append(time.monotonic())
        await asyncio.sleep(0.4)
        return items

    coalescer = Coalescer(work, concurrency=1)
    begun = time.monotonic()
    await asyncio.gather(*(coalescer(n) for n in range(3)))
    again = time.monotonic()
    await coalescer(4)
    assert 0 < left[1] - again < again - begun
    await asyncio.sleep(0.02)
    assert coalescer._queues == {}


async def test_no_batch_is_larger_than_its_size() -> None:
    work = Work()
    coalescer = Coalescer(work, concurrency=1, size=2)
    assert await asyncio.gather(*await start(coalescer, *range(5))) == [0, 10, 20, 30, 40]
    assert max(map(len, work.batches)) == 2


async def test_a_cancelled_caller_cancels_only_itself() -> None:
    work = Work()
    coalescer = Coalescer(work, concurrency=1)
    work.go.clear()
    first, second, third = await start(coalescer, 1, 2, 3)
    first.cancel()
    third.cancel()
    await asyncio.sleep(0)
    work.go.set()
    assert await second == 20
    assert work.batches[0][0] == 1


async def test_a_failed_batch_fails_its_callers_and_no_other() -> None:
    work = Work()
    coalescer = Coalescer(work, concurrency=1)
    work.go.clear()
    tasks = await start(coalescer, 1)
    tasks += await start(coalescer, -1, 2)
    work.go.set()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert results[0] == 10
    assert [type(result) for result in results[1:]] == [ConnectionError, ConnectionError]
    assert await coalescer(5) == 50
    await asyncio.sleep(0.01)
    assert coalescer._queues == {}


async def _call(coalescer: Coalescer[int, int], item: int, seconds: float | None, **headers: str) -> int:
    call_context.enter({name.replace("_", "-"): value for name, value in headers.items()}, seconds)
    return await coalescer(item)


async def test_calls_that_differ_in_a_header_to_split_by_share_no_batch() -> None:
    work = Work()
    coalescer = Coalescer(work, split_by=("x-environment", "x-figtree-user"), concurrency=1)
    calls = [_call(coalescer, n, None, x_figtree_user=user) for n, user in enumerate("abab")]
    await asyncio.gather(*calls)
    assert sorted(map(sorted, work.batches)) in ([[0, 2], [1, 3]], [[0], [1], [2], [3]], [[0], [1, 3], [2]])
    assert all(len({item % 2 for item in batch}) == 1 for batch in work.batches)


async def test_the_first_sampled_call_leads_its_batch_and_comes_first() -> None:
    work = Work()
    coalescer = Coalescer(work, concurrency=1)
    work.go.clear()
    tasks = await start(coalescer, 0)
    calls = [(1, UNSAMPLED), (2, SAMPLED), (3, ""), (4, OTHER), (5, "")]
    tasks += [asyncio.create_task(_call(coalescer, n, None, traceparent=parent)) for n, parent in calls]
    await asyncio.sleep(0)
    work.go.set()
    assert await asyncio.gather(*tasks) == [0, 10, 20, 30, 40, 50]
    assert work.batches == [[0], [2, 1, 3, 4, 5]]
    assert work.traces[1:] == [SAMPLED]


async def test_work_is_done_in_the_context_of_the_call_that_leads() -> None:
    seen = []

    async def work(items: Sequence[int]) -> Sequence[int]:
        seen.append(OWNER.get())
        return items

    async def call(item: int) -> int:
        OWNER.set(item)
        return await coalescer(item)

    coalescer = Coalescer(work, concurrency=1, size=1)
    await asyncio.gather(*(asyncio.create_task(call(n)) for n in range(3)))
    assert seen == [0, 1, 2]


async def test_when_too_many_wait_a_further_call_is_refused_at_once() -> None:
    work = Work()
    coalescer = Coalescer(work, concurrency=1, most=2)
    work.go.clear()
    tasks = await start(coalescer, 0)
    tasks += await start(coalescer, 1, 2)
    with pytest.raises(Busy):
        await coalescer(3)
    work.go.set()
    assert await asyncio.gather(*tasks) == [0, 10, 20]


async def test_while_one_has_been_waiting_for_too_long_a_further_call_is_refused() -> None:
    work = Work()
    coalescer = Coalescer(work, concurrency=1, patience=0.01)
    work.go.clear()
    tasks = await start(coalescer, 0)
    tasks += await start(coalescer, 1)
    await asyncio.sleep(0.02)
    with pytest.raises(Busy):
        await coalescer(2)
    work.go.set()
    assert await asyncio.gather(*tasks) == [0, 10]
    assert await coalescer(3) == 30


async def test_a_batch_may_take_as_long_as_its_most_patient_caller_waits() -> None:
    work = Work()
    coalescer = Coalescer(work, concurrency=1)
    loop = asyncio.get_running_loop()
    work.go.clear()
    tasks = await start(coalescer, 0)
    tasks += [asyncio.create_task(_call(coalescer, n, n)) for n in (1, 9, 5)]
    await asyncio.sleep(0)
    work.go.set()
    await asyncio.gather(*tasks)
    assert work.deadlines[0] is None
    assert work.deadlines[1] == pytest.approx(loop.time() + 9, abs=1)
