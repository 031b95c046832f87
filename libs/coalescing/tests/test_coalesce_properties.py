"""Whatever comes, leaves and fails: what the coalescer promises to each of its callers."""

import asyncio
from collections.abc import Sequence

from coalescing.coalesce import Busy, Coalescer
from hypothesis import given, settings
from hypothesis import strategies as st

FATE = st.sampled_from(["good", "good", "good", "bad", "fatal", "leaves"])
CALLS = st.lists(st.tuples(st.integers(0, 3), FATE), min_size=1, max_size=40)


class Bad(Exception): ...


class Fatal(Exception): ...


class Work:
    """Answers a bad item with its failure, and fails with all of a batch if one is fatal."""

    def __init__(self) -> None:
        self.now, self.most, self.sizes, self.done = 0, 0, [0], list[int]()

    async def __call__(self, items: Sequence[tuple[int, str]]) -> Sequence[int | Bad]:
        self.now += 1
        self.most = max(self.most, self.now)
        self.sizes.append(len(items))
        try:
            for _ in range(3):
                await asyncio.sleep(0)
            if any(fate == "fatal" for _, fate in items):
                raise Fatal
            self.done += [number for number, fate in items if fate != "bad"]
            return [Bad() if fate == "bad" else number for number, fate in items]
        finally:
            self.now -= 1


@settings(max_examples=150)
@given(calls=CALLS, concurrency=st.integers(1, 3), size=st.integers(1, 5), most=st.integers(1, 50))
async def test_each_caller_gets_its_own_answer(
    calls: list[tuple[int, str]], concurrency: int, size: int, most: int
) -> None:
    work = Work()
    coalescer = Coalescer(work, concurrency=concurrency, size=size, most=most)
    tasks = []
    for number, (pause, fate) in enumerate(calls):
        tasks.append(asyncio.create_task(coalescer((number, fate))))
        for _ in range(pause):
            await asyncio.sleep(0)
        if fate == "leaves":
            tasks[-1].cancel()
    answers = await asyncio.gather(*tasks, return_exceptions=True)

    assert work.most <= concurrency
    assert max(work.sizes) <= size
    fatal = any(fate == "fatal" for _, fate in calls)
    for number, ((_, fate), answer) in enumerate(zip(calls, answers, strict=True)):
        if isinstance(answer, Busy):
            assert len(calls) > most
            assert number not in work.done
        elif fate == "leaves":
            assert isinstance(answer, asyncio.CancelledError) or answer == number
        elif isinstance(answer, Fatal):
            assert fatal
            assert number not in work.done
        elif fate == "bad":
            assert isinstance(answer, Bad)
        else:
            assert fate == "good"
            assert answer == number
            assert work.done.count(number) == 1


@settings(max_examples=50)
@given(st.lists(st.integers(), min_size=1, max_size=10))
async def test_who_comes_alone_never_waits_for_another_and_is_never_batched(items: list[int]) -> None:
    batches: list[list[int]] = []

    async def work(batch: Sequence[int]) -> Sequence[int]:
        batches.append(list(batch))
        return batch

    coalescer = Coalescer(work, concurrency=1)
    for item in items:
        assert await coalescer(item) == item
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    assert batches == [[item] for item in items]
