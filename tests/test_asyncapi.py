"""docs/asyncapi.json is a document of AsyncAPI 3.0, by the schema that the AsyncAPI Initiative publishes."""

import copy
import json
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

ROOT = Path(__file__).resolve().parents[1]
SCHEMA = ROOT / "demo/dashboard/web/node_modules/@asyncapi/specs/schemas/3.0.0-without-$id.json"
DOCUMENT = json.loads((ROOT / "docs" / "asyncapi.json").read_text())


@pytest.fixture(scope="module")
def schema() -> jsonschema_rs.Draft7Validator:
    if not SCHEMA.exists():
        pytest.skip("npm's @asyncapi/specs is not installed: make page")
    return jsonschema_rs.Draft7Validator(json.loads(SCHEMA.read_text()))


def test_the_document_is_valid(schema: jsonschema_rs.Draft7Validator) -> None:
    assert [f"{list(e.instance_path)}: {e.message[:200]}" for e in schema.iter_errors(DOCUMENT)] == []


def test_a_document_with_a_mistake_is_not_valid(schema: jsonschema_rs.Draft7Validator) -> None:
    wrong = copy.deepcopy(DOCUMENT)
    wrong["operations"]["publish"]["action"] = "subscribe"
    assert not schema.is_valid(wrong)


def test_every_reference_leads_somewhere() -> None:
    def references(value: Any) -> list[str]:
        if isinstance(value, dict):
            return (
                [value["$ref"]] if "$ref" in value else [r for one in value.values() for r in references(one)]
            )
        return [r for one in value for r in references(one)] if isinstance(value, list) else []

    found = references(DOCUMENT)
    assert found
    for reference in found:
        at: Any = DOCUMENT
        for part in reference.removeprefix("#/").split("/"):
            assert part in at, reference
            at = at[part]
