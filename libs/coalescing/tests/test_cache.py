import asyncio
from collections.abc import Sequence

import pytest
from coalescing.cache import ShortCache
from service_kit import context as call_context


class Neighbour:
    def __init__(self) -> None:
        self.calls: list[list[str]] = []
        self.answer = asyncio.Event()
        self.answer.set()
        self.is_down = False
        self.deadlines: list[float | None] = []

    async def fetch(self, keys: Sequence[str]) -> dict[str, str]:
        self.calls.append(sorted(keys))
        self.deadlines.append(call_context.current().deadline)
        await self.answer.wait()
        if self.is_down:
            raise ConnectionError
        return {key: key.upper() for key in keys if key != "unknown"}


@pytest.fixture
def neighbour() -> Neighbour:
    return Neighbour()


async def test_an_answer_is_kept_for_its_time_and_not_longer(neighbour: Neighbour) -> None:
    now = 0.0
    cache = ShortCache(neighbour.fetch, seconds=1, clock=lambda: now)
    assert await cache.get(["a", "unknown"]) == {"a": "A"}
    now = 0.99
    assert await cache.get(["a", "unknown"]) == {"a": "A"}
    assert len(neighbour.calls) == 1
    now = 1.0
    await cache.get(["a"])
    assert neighbour.calls == [["a", "unknown"], ["a"]]


async def test_what_is_being_fetched_is_not_fetched_again(neighbour: Neighbour) -> None:
    cache = ShortCache(neighbour.fetch)
    neighbour.answer.clear()
    calls = [asyncio.create_task(cache.get(keys)) for keys in (["a", "b"], ["b", "c"], ["a"])]
    await asyncio.sleep(0)
    neighbour.answer.set()
    assert await asyncio.gather(*calls) == [{"a": "A", "b": "B"}, {"b": "B", "c": "C"}, {"a": "A"}]
    assert neighbour.calls == [["a", "b"], ["c"]]


async def test_a_cancelled_caller_cancels_only_itself(neighbour: Neighbour) -> None:
    cache = ShortCache(neighbour.fetch)
    neighbour.answer.clear()
    first, second = (asyncio.create_task(cache.get(["a"])) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.sleep(0)
    neighbour.answer.set()
    assert await second == {"a": "A"}
    assert first.cancelled()


async def test_a_failure_is_not_kept(neighbour: Neighbour) -> None:
    cache = ShortCache(neighbour.fetch)
    neighbour.is_down = True
    with pytest.raises(ConnectionError):
        await cache.get(["a"])
    neighbour.is_down = False
    assert await cache.get(["a"]) == {"a": "A"}


async def test_a_fetch_does_not_end_with_its_first_callers_deadline(neighbour: Neighbour) -> None:
    call_context.enter({"x-request-id": "1"}, 0.001)
    await ShortCache(neighbour.fetch).get(["a"])
    assert neighbour.deadlines == [None]


async def test_it_never_holds_more_than_its_size(neighbour: Neighbour) -> None:
    cache = ShortCache(neighbour.fetch, size=3)
    for key in "abcd":
        await cache.get([key])
    assert await cache.get(list("abcdef")) == {key: key.upper() for key in "abcdef"}
    assert neighbour.calls[-1] == ["a", "e", "f"]
    assert len(cache._entries) == 3


async def test_what_is_in_use_and_half_old_comes_along_and_what_nobody_uses_does_not(
    neighbour: Neighbour,
) -> None:
    now = 0.0
    cache = ShortCache(neighbour.fetch, seconds=1, clock=lambda: now)
    await cache.get(["used", "unused"])
    now = 0.2
    await cache.get(["used", "young"])
    await cache.get(["young"])
    now = 0.6
    await cache.get(["new"])
    assert neighbour.calls[-1] == ["new", "used"]
    now = 1.5
    await cache.get(["used"])
    assert neighbour.calls[-1] == ["new", "used"]
    now = 2.2
    await cache.get(["other"])
    assert neighbour.calls[-1] == ["other"]  # nobody has used anything since


async def test_a_fetch_that_fails_takes_no_answer_away_before_its_time(neighbour: Neighbour) -> None:
    now = 0.0
    cache = ShortCache(neighbour.fetch, seconds=1, clock=lambda: now)
    await cache.get(["a"])
    await cache.get(["a"])
    neighbour.is_down = True
    now = 0.6
    with pytest.raises(ConnectionError):
        await cache.get(["b"])
    assert neighbour.calls[-1] == ["a", "b"]
    now = 0.9
    assert await cache.get(["a"]) == {"a": "A"}


async def test_what_is_too_old_is_forgotten(neighbour: Neighbour) -> None:
    now = 0.0
    cache = ShortCache(neighbour.fetch, seconds=1, clock=lambda: now)
    await cache.get(list("abc"))
    now = 1.0
    await cache.get(["d"])
    assert list(cache._entries) == ["d"]


async def test_what_is_cleared_is_fetched_anew_and_a_fetch_under_way_brings_nothing_back(
    neighbour: Neighbour,
) -> None:
    now = 0.0
    cache = ShortCache(neighbour.fetch, seconds=1, clock=lambda: now)
    await cache.get(["a"])
    await cache.get(["a"])  # in use, so that the next fetch refreshes it
    now = 0.6
    neighbour.answer.clear()
    under_way = asyncio.create_task(cache.get(["b"]))
    await asyncio.sleep(0)
    cache.clear()
    neighbour.answer.set()
    assert await under_way == {"b": "B"}
    await cache.get(["a", "b"])
    assert neighbour.calls == [["a"], ["a", "b"], ["a", "b"]]


async def test_without_refreshing_only_what_is_missing_is_fetched(neighbour: Neighbour) -> None:
    now = 0.0
    cache = ShortCache(neighbour.fetch, seconds=1, most_refreshed=0, clock=lambda: now)
    await cache.get(["a"])
    await cache.get(["a"])
    now = 0.6
    await cache.get(["b"])
    assert neighbour.calls == [["a"], ["b"]]
