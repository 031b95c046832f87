import json
from pathlib import Path

import httpx
from demo.conformance import differences, run

ROOT = Path(__file__).parents[2]


async def test_answers_the_same_twice(monolith_url: str, answers: dict[str, str]) -> None:
    assert differences(answers, await run(monolith_url)) == []


def test_never_fails_and_always_answers_in_json(answers: dict[str, str]) -> None:
    for name, answer in answers.items():
        status, kind = answer.splitlines()[:2]
        assert int(status) < 500, f"{name}\n{answer}"
        expected = "json" if "events" not in name or int(status) >= 400 else "event-stream"
        assert expected in kind, f"{name}\n{answer}"
        assert (int(status) < 400) != ("problem+json" in kind), f"{name}\n{answer}"


def test_asks_every_operation_of_the_contract(answers: dict[str, str]) -> None:
    """The suite cannot be complete without having seen each documented status that a request alone can cause."""
    assert {answer[:3] for answer in answers.values()} == {
        "200",
        "201",
        "400",
        "404",
        "405",
        "409",
        "413",
        "415",
    }


def test_differences_are_told() -> None:
    assert differences({"a": "1", "b": "2"}, {"a": "1", "b": "3", "c": "4"}) == [
        "b\n  expected: 2\n  found:    3",
        "c\n  expected: nothing\n  found:    4",
    ]


async def test_serves_the_committed_document(monolith_url: str) -> None:
    async with httpx.AsyncClient() as client:
        served = (await client.get(f"{monolith_url}/openapi.json")).json()
    assert served == json.loads((ROOT / "docs" / "openapi.json").read_text())
