"""A client that has an answer already is told so, and nobody is told so who has another one."""

import httpx
import pytest
from rest_api import errors
from rest_api.models import Title

from .conftest import Fakes

TITLE = Title(
    id="t-000001", isbn13="9780000000002", name="A", authors=("B",), format="print", publisher="P", year=2000
)
PATH = "/api/titles/t-000001"


async def test_an_answer_that_the_client_has_is_not_sent_again(
    client: httpx.AsyncClient, fakes: Fakes
) -> None:
    fakes.answer = TITLE
    first = await client.get(PATH)
    assert first.headers["cache-control"] == "no-cache"
    again = await client.get(PATH, headers={"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == first.headers["etag"]
    assert "content-type" not in again.headers
    fakes.answer = TITLE.model_copy(update={"year": 2001})
    changed = await client.get(PATH, headers={"if-none-match": first.headers["etag"]})
    assert (changed.status_code, changed.json()["year"]) == (200, 2001)
    assert changed.headers["etag"] != first.headers["etag"]


@pytest.mark.parametrize(
    ("named", "status"),
    [
        ("*", 304),
        ("W/{tag}", 304),
        ("{tag}", 304),
        ('"a", W/{tag}', 304),
        ('"a"', 200),
        ("", 200),
        ("{tag}x", 200),
    ],
)
async def test_tags_are_compared_as_the_rfc_says(
    client: httpx.AsyncClient, fakes: Fakes, named: str, status: int
) -> None:
    fakes.answer = TITLE
    weak = (await client.get(PATH)).headers["etag"]
    tag = weak.removeprefix("W/")
    assert weak == f"W/{tag}", "Envoy takes a strong one away where it compresses"
    answer = await client.get(PATH, headers={"if-none-match": named.replace("{tag}", tag)})
    assert answer.status_code == status


async def test_head_has_the_tag_of_get(client: httpx.AsyncClient, fakes: Fakes) -> None:
    fakes.answer = TITLE
    tag = (await client.get(PATH)).headers["etag"]
    head = await client.head(PATH)
    assert (head.status_code, head.headers["etag"], head.content) == (200, tag, b"")
    assert (await client.head(PATH, headers={"if-none-match": tag})).status_code == 304


async def test_a_problem_and_what_is_written_have_no_tag(client: httpx.AsyncClient, fakes: Fakes) -> None:
    fakes.answer = errors.Missing("title", "t-none")
    missing = await client.get("/api/titles/t-none", headers={"if-none-match": "*"})
    assert missing.status_code == 404
    posted = await client.post("/api/quotes", json={}, headers={"if-none-match": "*"})
    assert posted.status_code == 400
    assert "etag" not in missing.headers
    assert "etag" not in posted.headers


async def test_what_belongs_to_a_customer_is_kept_by_nobody_else(
    client: httpx.AsyncClient, fakes: Fakes
) -> None:
    fakes.answer = TITLE  # whatever it is, it is an answer of this path
    answer = await client.get("/api/orders/01a209a2-e71e-7691-a191-51bf6c95b2d6")
    assert answer.headers["cache-control"] == "private, no-cache"
