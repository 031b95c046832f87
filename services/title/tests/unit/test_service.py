import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any

import pytest
from common.jsonlines import InvalidLine
from title import service
from title.domain import InvalidRequest, Title, UnknownTitle
from title.service import Catalogue


def line(title: Title, **changes: object) -> bytes:
    return json.dumps(asdict(title) | changes).encode() + b"\n"


async def test_an_unknown_title_is_named(memory: Any) -> None:
    with pytest.raises(UnknownTitle, match="there is no title t-9") as caught:
        await Catalogue(memory).get("t-9")
    assert caught.value.resource == ("title", "t-9")


async def test_an_id_that_nobody_could_have_given_is_unknown_and_not_an_error(memory: Any) -> None:
    with pytest.raises(UnknownTitle):
        await Catalogue(memory).get("t\x00")


async def test_a_batch_comes_in_the_requested_order_and_each_title_once(memory: Any, emma: Title) -> None:
    other = replace(emma, id="t-000001")
    await memory.put([[emma, other]])
    assert await Catalogue(memory).batch_get([emma.id, "t-9", other.id, emma.id]) == [emma, other]


async def test_a_batch_of_more_than_a_thousand_is_refused(memory: Any) -> None:
    with pytest.raises(InvalidRequest, match="title_ids: must be at most 1000"):
        await Catalogue(memory).batch_get(["t-1"] * 1001)


async def test_pages_follow_each_other_until_the_last(memory: Any, emma: Title) -> None:
    await memory.put([[replace(emma, id=f"t-{n}") for n in range(5)]])
    catalogue, token, seen = Catalogue(memory), "", []
    for _ in range(3):
        page = await catalogue.search("emma", 2, token)
        seen.append([title.id for title in page.titles])
        token = page.next_page_token
    assert (seen, token) == ([["t-0", "t-1"], ["t-2", "t-3"], ["t-4"]], "")


@pytest.mark.parametrize("page_size", [-1, 101])
async def test_a_page_size_outside_its_bounds_is_refused(memory: Any, page_size: int) -> None:
    with pytest.raises(InvalidRequest, match="page_size: must be between 1 and 100"):
        await Catalogue(memory).search("", page_size, "")


async def test_a_stream_holds_one_step_at_a_time(
    memory: Any, emma: Title, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "STEP", 2)
    await memory.put([[replace(emma, id=f"t-{n}") for n in range(5)]])
    sizes = []
    original = memory.page

    async def watched(after_id: str, size: int) -> Sequence[Title]:
        found: Sequence[Title] = await original(after_id, size)
        sizes.append(len(found))
        return found

    memory.page = watched
    assert [title.id async for title in Catalogue(memory).stream("t-0")] == ["t-1", "t-2", "t-3", "t-4"]
    assert sizes == [2, 2, 0]


async def test_an_import_names_line_and_field_and_keeps_nothing(memory: Any, emma: Title) -> None:
    with pytest.raises(InvalidLine, match=r"^line 3: isbn13: must be 13 digits with a valid check digit$"):
        await Catalogue(memory).load([line(emma), b"\n", line(emma, isbn13="1")])
    assert await memory.get_many([emma.id]) == []


@pytest.mark.parametrize(
    ("bad", "says"),
    [(b"{", "line 1: is not JSON"), (b"\xff", "line 1: is not JSON"), (b"[1]", "line 1: must be an object")],
)
async def test_an_import_says_what_is_not_json(memory: Any, bad: bytes, says: str) -> None:
    with pytest.raises(InvalidLine, match=says):
        await Catalogue(memory).load([bad])
