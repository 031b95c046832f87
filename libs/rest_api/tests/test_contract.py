import json
import re
from pathlib import Path
from typing import Any

import httpx
import pytest
from rest_api.__main__ import nothing
from rest_api.app import create_app
from rest_api.models import FORMS

DOCUMENT = json.loads((Path(__file__).parents[3] / "docs" / "openapi.json").read_text())


def operations() -> list[dict[str, Any]]:
    return [operation for path in DOCUMENT["paths"].values() for operation in path.values()]


def test_the_committed_document_is_the_one_that_the_routes_give() -> None:
    assert create_app(nothing).openapi() == DOCUMENT, "write it with: python -m rest_api > docs/openapi.json"


def test_no_operation_answers_422() -> None:
    assert all("422" not in operation["responses"] for operation in operations())


def test_every_error_is_a_problem() -> None:
    for operation in operations():
        for status, response in operation["responses"].items():
            if int(status) >= 400:
                assert list(response["content"]) == ["application/problem+json"], operation["operationId"]


def test_every_operation_documents_what_any_request_may_meet() -> None:
    for operation in operations():
        assert {"400", "429", "503", "504"} <= set(operation["responses"]), operation["operationId"]


def test_every_pattern_has_words_that_say_what_is_allowed() -> None:
    patterns = set(re.findall(r'"pattern": ("(?:[^"\\\\]|\\\\.)*")', json.dumps(DOCUMENT)))
    assert {json.loads(pattern) for pattern in patterns} == FORMS.keys()


@pytest.mark.parametrize(
    ("method", "path", "body", "says"),
    [
        (
            "GET",
            "/api/convert?amount=1e3&from=EUR&to=usd",
            None,
            "to: must be a three-letter ISO 4217 code in capitals",
        ),
        ("GET", "/api/convert?amount=1e3&from=EUR&to=USD", None, "amount: must be a decimal such as -12.50"),
        ("GET", "/api/titles/t%20%C3%A9", None, "title_id: must consist of printable ASCII characters"),
        ("GET", "/api/rates?date=tomorrow", None, "date: must be a date, YYYY-MM-DD"),
        (
            "POST",
            "/api/quotes",
            {"currency": "EUR", "lines": [], "x": 1},
            "x: is not a member of this object: remove it",
        ),
    ],
)
async def test_a_field_error_says_what_is_allowed(
    client: httpx.AsyncClient, method: str, path: str, body: Any, says: str
) -> None:
    answer = await client.request(method, path, json=body)
    assert answer.status_code == 400
    assert says in answer.json()["detail"]


def test_every_reference_leads_somewhere() -> None:
    text = json.dumps(DOCUMENT)
    for reference in set(text.split('"$ref": "')[1:]):
        name = reference.split('"')[0].removeprefix("#/components/schemas/")
        assert name in DOCUMENT["components"]["schemas"]
