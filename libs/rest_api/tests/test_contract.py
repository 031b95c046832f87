import json
from pathlib import Path
from typing import Any

from rest_api.__main__ import nothing
from rest_api.app import create_app

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


def test_every_reference_leads_somewhere() -> None:
    text = json.dumps(DOCUMENT)
    for reference in set(text.split('"$ref": "')[1:]):
        name = reference.split('"')[0].removeprefix("#/components/schemas/")
        assert name in DOCUMENT["components"]["schemas"]
