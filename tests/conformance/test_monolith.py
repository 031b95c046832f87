import json
from pathlib import Path

import httpx

from tests.conformance.suite import differences, run

ROOT = Path(__file__).parents[2]


async def test_answers_the_same_twice(monolith_url: str, answers: dict[str, str]) -> None:
    assert differences(answers, await run(monolith_url)) == []


def test_never_fails_and_always_answers_in_json(answers: dict[str, str]) -> None:
    for name, answer in answers.items():
        status, kind = answer.splitlines()[:2]
        assert int(status) < 500, f"{name}\n{answer}"
        if status == "204":
            assert "content-type" not in answer, f"{name}\n{answer}"
            continue
        expected = "json" if "events" not in name or int(status) >= 400 else "event-stream"
        assert expected in kind, f"{name}\n{answer}"
        assert (int(status) < 400) != ("problem+json" in kind), f"{name}\n{answer}"


def test_asks_every_operation_of_the_contract(answers: dict[str, str]) -> None:
    """The suite cannot be complete without having seen each documented status that a request alone can cause."""
    assert {answer[:3] for answer in answers.values()} == {
        "200",
        "201",
        "204",
        "400",
        "404",
        "405",
        "409",
        "413",
        "415",
    }


def test_differences_are_reported() -> None:
    assert differences({"a": "1", "b": "2"}, {"a": "1", "b": "3", "c": "4"}) == [
        "b\n  expected: 2\n  found:    3",
        "c\n  expected: nothing\n  found:    4",
    ]


def test_a_finished_event_stream_answers_204_so_that_a_browser_does_not_reconnect(
    answers: dict[str, str],
) -> None:
    for after in ("3", "1000000"):
        assert answers[f"order: events behind {after}"].startswith("204")
    for after in ("0", "1", "2"):
        assert answers[f"order: events behind {after}"].startswith("200")
    for after in ("-1", "1000001"):
        assert answers[f"order: events behind {after}"].startswith("400")


def test_a_header_that_may_come_once_and_comes_twice_is_refused_by_name(answers: dict[str, str]) -> None:
    twice = {
        name: answer for name, answer in answers.items() if " twice" in name and name.startswith("order:")
    }
    assert len(twice) == 6
    for name, answer in twice.items():
        header = name.split()[1]
        assert answer.startswith("400"), name
        assert f"{header}: was sent 2 times: send this header once" in answer.lower(), name


def test_a_whole_quantity_may_be_written_as_a_float(answers: dict[str, str]) -> None:
    for wanted, whole in (("1.0", "1"), ("100.0", "100")):
        assert answers[f"quote: quantity {wanted}"] == answers[f"quote: quantity {whole}"]
        assert answers[f"quote: quantity {wanted}"].startswith("200")
    assert answers["body: quantity with an exponent"].startswith("200")
    for refused in ("1.5", "'1'", "True", "10001.0"):
        assert answers[f"quote: quantity {refused}"].startswith("400")
    assert answers["order: same key, quantities as floats"].startswith("200")
    assert '"problem":null' in answers["bulk: the same quantities as floats"]
    assert answers["bulk: a fraction"].startswith("400")


async def test_serves_the_committed_document(monolith_url: str) -> None:
    async with httpx.AsyncClient(trust_env=False) as client:
        served = (await client.get(f"{monolith_url}/openapi.json")).json()
    assert served == json.loads((ROOT / "docs" / "openapi.json").read_text())
