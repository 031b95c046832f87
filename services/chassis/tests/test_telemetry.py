import json
import logging
import sys

from chassis.context import enter
from chassis.telemetry import JsonLines


def test_a_line_belongs_to_its_trace_and_request() -> None:
    enter([("traceparent", "00-0af7-b7ad-01"), ("x-request-id", "r-1")], None)
    try:
        raise ValueError("no")
    except ValueError:
        record = logging.LogRecord("x", logging.ERROR, "", 1, "bad %s", ("luck",), sys.exc_info())
    line = json.loads(JsonLines("title", "v1").format(record))
    enter((), None)
    assert line.pop("exception").endswith("ValueError: no")
    assert line.pop("time").endswith("+00:00")
    assert line == {
        "level": "error",
        "service": "title",
        "version": "v1",
        "message": "bad luck",
        "trace_id": "0af7",
        "span_id": "b7ad",
        "request_id": "r-1",
    }
