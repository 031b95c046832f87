import json
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from order.asyncapi import document
from order.domain import NEXT, SEQUENCE
from order.fulfilment import read

WRITTEN = json.loads((Path(__file__).parents[4] / "docs" / "asyncapi.json").read_text())
SCHEMAS = WRITTEN["components"]["schemas"]
PLACED = {
    "order_id": "0193a0f0-0000-7000-8000-000000000000",
    "sequence": 1,
    "status": "placed",
    "at": "2026-11-30T12:00:00.123456+00:00",
}


def test_the_committed_document_is_the_one_that_the_code_gives() -> None:
    assert document() == WRITTEN, "write it with: python -m order.asyncapi > docs/asyncapi.json"


def test_each_status_has_a_message_and_the_last_one_is_not_taken() -> None:
    assert list(WRITTEN["channels"]["orders"]["messages"]) == list(SEQUENCE)
    taken = [message["$ref"].rpartition("/")[2] for message in WRITTEN["operations"]["fulfil"]["messages"]]
    assert taken == list(NEXT)


@pytest.mark.parametrize(
    "wrong",
    [
        {"sequence": 2},
        {"status": "lost"},
        {"at": "yesterday"},
        {"at": None},
        {"order_id": "t-1"},
    ],
    ids=str,
)
def test_what_the_document_refuses_the_consumer_drops(wrong: dict[str, Any]) -> None:
    validator = jsonschema_rs.Draft7Validator(SCHEMAS["placed"], validate_formats=True)
    assert validator.is_valid(PLACED)
    assert read(json.dumps(PLACED).encode()).status == "placed"
    assert not validator.is_valid(PLACED | wrong)
    with pytest.raises(ValueError, match="not an event"):
        read(json.dumps(PLACED | wrong).encode())
