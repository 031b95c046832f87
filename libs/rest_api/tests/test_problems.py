import base64
import hashlib
import json
from typing import Any

import httpx
import pytest
from rest_api import errors
from rest_api.entry import ONCE
from service_kit import context as call_context

from .conftest import Fakes

BASKET = {"currency": "EUR", "lines": [{"title_id": "t-1", "quantity": 1}]}


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (errors.Invalid([("currency", "XXX has no rate on 2026-10-30")]), 400),
        (errors.Refused("too much"), 400),
        (errors.Denied("no"), 403),
        (errors.Missing("title", "t-1"), 404),
        (errors.Conflict("k"), 409),
        (errors.Overloaded("busy"), 429),
        (errors.Unavailable("gone"), 503),
        (errors.TooLate("late"), 504),
    ],
)
async def test_each_error_has_its_status_and_problem(
    client: httpx.AsyncClient, fakes: Fakes, error: errors.EdgeError, status: int
) -> None:
    fakes.answer = error
    answer = await client.get("/api/titles/t-1")
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["status"] == status
    assert answer.json()["detail"] == error.detail
    assert ("retry-after" in answer.headers) == (status in (429, 503))


async def test_what_moved_and_has_no_other_side_here_may_be_retried(
    client: httpx.AsyncClient, fakes: Fakes
) -> None:
    fakes.answer = errors.NotTheWriter()
    answer = await client.get("/api/titles/t-1")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")


async def test_an_unexpected_error_says_nothing_about_itself(client: httpx.AsyncClient, fakes: Fakes) -> None:
    fakes.answer = RuntimeError("password=hunter2")
    answer = await client.get("/api/titles/t-1")
    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert "hunter2" not in answer.text


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b"{", "body"),
        (b'{"currency": "\xff"}', "body"),
        (b"[" * 100_000, "body"),
        (b"9" * 5_000, "body"),
        (b"null", "body"),
        (b'{"currency": "EUR", "lines": [{"title_id": "a", "quantity": 1e999}]}', "lines[0].quantity"),
        (b'{"currency": "EUR", "lines": [{"title_id": "\\u0000", "quantity": 1}]}', "lines[0].title_id"),
        (b'{"currency": "EUR", "lines": [{"title_id": "\\ud83d", "quantity": 1}]}', "lines[0].title_id"),
        (b'{"currency": "EUR", "lines": [{"title_id": "a", "quantity": 1}], "\\ud83d": 1}', "body"),
        (b'{"currency": "EUR", "lines": [{"title_id": "a", "quantity": 1}], "x": 1}', "x"),
    ],
)
async def test_a_bad_body_is_reported_field_by_field(
    client: httpx.AsyncClient, body: bytes, field: str
) -> None:
    answer = await client.post("/api/quotes", content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 400, answer.text
    assert [error["field"] for error in answer.json()["errors"]] == [field]


@pytest.mark.parametrize(
    "name", ["pydantic", "pattern", "Input", "Value", "Extra", "JSON decode", "ctx", "msg"]
)
async def test_the_words_do_not_name_the_validator(client: httpx.AsyncClient, name: str) -> None:
    for body in ({}, {"currency": 1, "lines": 1, "x": 1}, {"currency": "e", "lines": [{"quantity": "a"}]}):
        assert name not in (await client.post("/api/quotes", json=body)).text
    for query in ("page_size=a", "page_size=0", f"query={'a' * 201}"):
        assert name not in (await client.get(f"/api/titles?{query}")).text


async def test_a_body_of_another_type_is_415(client: httpx.AsyncClient) -> None:
    headers = {"content-type": "text/plain"}
    answer = await client.post("/api/quotes", content=json.dumps(BASKET), headers=headers)
    assert (answer.status_code, answer.headers["content-type"]) == (415, "application/problem+json")


@pytest.mark.parametrize("announced", [True, False])
async def test_a_large_body_is_413(client: httpx.AsyncClient, announced: bool) -> None:
    async def pieces() -> Any:
        for _ in range(20):
            yield b" " * 100_000

    body = b" " * 2_000_000 if announced else pieces()
    answer = await client.post("/api/quotes", content=body, headers={"content-type": "application/json"})
    assert (answer.status_code, answer.headers["content-type"]) == (413, "application/problem+json")


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/api/none"), ("GET", "/api/titles/"), ("PUT", "/api/titles")]
)
async def test_unknown_paths_and_methods_are_problems(
    client: httpx.AsyncClient, method: str, path: str
) -> None:
    answer = await client.request(method, path)
    assert answer.status_code in (404, 405)
    assert answer.headers["content-type"] == "application/problem+json"


async def test_customers_are_unknown_where_there_is_no_such_module(client: httpx.AsyncClient) -> None:
    answer = await client.get("/api/customers/c-1")
    assert (answer.status_code, answer.json()["detail"]) == (404, "there is no customer c-1")


async def test_every_whole_answer_has_its_digest(client: httpx.AsyncClient, fakes: Fakes) -> None:
    fakes.answer = errors.Missing("title", "t-1")
    answer = await client.get("/api/titles/t-1")
    digest = base64.b64encode(hashlib.sha256(answer.content).digest()).decode()
    assert answer.headers["content-digest"] == f"sha-256=:{digest}:"


async def test_headers_that_grpc_cannot_carry_are_not_handed_on(
    client: httpx.AsyncClient, fakes: Fakes
) -> None:
    seen: dict[str, str] = {}

    async def get(_: str) -> None:
        seen.update(call_context.current().headers)
        raise errors.Missing("title", "t")

    ports = fakes.ports()
    ports.titles.get = get
    client.app.state.ports = ports  # type: ignore[attr-defined]
    headers = {b"x-request-id": b"r-1", b"x-figtree-user": "Zoë".encode(), b"x-other": b"1"}
    await client.get("/api/titles/t", headers=headers)
    assert seen == {"x-request-id": "r-1"}


async def test_a_draining_process_is_not_healthy_and_asks_its_callers_to_leave(
    client: httpx.AsyncClient,
) -> None:
    assert (await client.get("/healthz")).status_code == 200
    client.app.state.draining = True  # type: ignore[attr-defined]
    answer = await client.get("/healthz")
    assert (answer.status_code, answer.headers["connection"]) == (503, "close")


@pytest.mark.parametrize(
    "path", ["/api%2Forders", "/api%2forders", "/api/titles/..%2Forders", "/api%5Corders", "/api/orders%2F1"]
)
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
async def test_a_path_with_an_encoded_slash_or_backslash_is_refused(
    client: httpx.AsyncClient, fakes: Fakes, path: str, method: str
) -> None:
    answer = await client.request(method, path)
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
    assert "%2F" in answer.json()["detail"]
    assert not fakes.calls


async def test_an_encoded_slash_in_the_query_is_the_querys_own(client: httpx.AsyncClient) -> None:
    assert (await client.get("/healthz?next=%2Fapi%2Forders")).status_code == 200


@pytest.mark.parametrize("path", ["/api/orders", "/api/quotes", "/api/orders/bulk"])
@pytest.mark.parametrize("values", [("same", "same"), ("one", "another")])
@pytest.mark.parametrize("name", list(ONCE.values()))
async def test_a_header_that_may_come_once_and_comes_twice_is_refused_by_name(
    client: httpx.AsyncClient, fakes: Fakes, path: str, values: tuple[str, str], name: str
) -> None:
    headers = [("content-type", "application/json"), ("idempotency-key", "k")]
    headers = [header for header in headers if header[0] != name.lower()]
    headers += [(name, value) for value in values]
    answer = await client.post(path, content=json.dumps(BASKET), headers=headers)
    assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json")
    assert answer.json()["errors"] == [{"field": name, "message": "was sent 2 times: send this header once"}]
    assert fakes.calls == []


async def test_a_header_that_is_a_list_may_come_twice(client: httpx.AsyncClient, fakes: Fakes) -> None:
    fakes.answer = errors.Missing("title", "t-1")
    headers = [("tracestate", "a=1"), ("tracestate", "b=2"), ("accept", "text/html"), ("accept", "*/*")]
    assert (await client.get("/api/titles/t-1", headers=headers)).status_code == 404
