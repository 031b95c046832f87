import json
import logging
import sys

from tracing.logs import JsonLines

TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def line(headers: dict[str, str], customer: str = "", key: str = "k") -> dict[str, str]:
    try:
        raise ValueError("no")
    except ValueError:
        record = logging.LogRecord("x", logging.ERROR, "", 1, "bad %s", ("luck",), sys.exc_info())
    text = JsonLines("title", "v1", lambda: (headers, customer), key, "customer").format(record)
    assert "\n" not in text
    found: dict[str, str] = json.loads(text)
    return found


def test_a_line_belongs_to_its_trace_and_request() -> None:
    found = line({"traceparent": TRACEPARENT, "x-request-id": "r-1"})
    assert found.pop("exception").endswith("ValueError: no")
    assert found.pop("time").endswith("+00:00")
    assert found == {
        "level": "error",
        "service": "title",
        "version": "v1",
        "message": "bad luck",
        "trace_id": "0af7651916cd43dd8448eb211c80319c",
        "span_id": "b7ad6b7169203331",
        "request_id": "r-1",
    }


def test_a_customer_is_the_same_one_under_the_same_key_and_is_not_named() -> None:
    found = line({}, "c-0001")
    assert found["customer"] == line({}, "c-0001")["customer"]
    assert found["customer"] not in (line({}, "c-0002")["customer"], line({}, "c-0001", "other")["customer"])
    assert "c-0001" not in json.dumps(found)
    assert "customer" not in line({})


def test_without_a_key_nobody_can_find_out_whose_hash_it_is() -> None:
    assert line({}, "c-0001", "")["customer"] != line({}, "c-0001", "")["customer"]
