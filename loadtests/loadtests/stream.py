"""Watching an order: server-sent events until it is shipped, going on where a stream was cut."""

import json
from typing import Any

import gevent
from locust.contrib.fasthttp import FAILURE_EXCEPTIONS

from loadtests.answer import Failed, Wrong, fields, same
from loadtests.client import MALFORMED, Caller
from loadtests.pricing import INSTANT, STATUSES

RESUMPTIONS = 10
PAUSE = 0.2  # seconds before a cut stream is resumed
NAME = "order events"
RESUMED = "order events, resumed"  # begins with the next event, however long that takes


def watch(user: Caller, order_id: str, after: int = 0) -> bool:
    """True once the last event was seen. Each connection is a request; a cut is not yet a failure."""
    path = f"/api/orders/{order_id}/events"
    for _ in range(RESUMPTIONS):
        seen = _connection(user, path, order_id, after)
        if seen is None or seen == len(STATUSES):
            return seen is not None
        after = seen
        user.shared.recorder.stream_resumed()
        gevent.sleep(PAUSE)
    error = Failed(f"the stream was cut {RESUMPTIONS} times")
    user.shared.recorder.request(NAME, None, error)
    user.shared.recorder.detail(NAME, "GET", path, 0, error, b"")
    return False


def _connection(user: Caller, path: str, order_id: str, after: int) -> int | None:
    """The last sequence seen when the stream ended; None if it failed or said something wrong."""
    headers = {"accept": "text/event-stream", "accept-encoding": "identity"}
    if after:
        headers["last-event-id"] = str(after)
    name = RESUMED if after else NAME
    with user.client.request(
        "GET", path, name=name, headers=headers, stream=True, catch_response=True
    ) as response:
        seen, event = after, b""
        try:
            _opened(response)
            while True:
                begun = user.shared.history.begin(user.number, "event", id=order_id)
                while (event := _next(response)).startswith(b":"):
                    pass  # a comment, which keeps the connection open
                if not event:
                    break
                seen = _event(order_id, seen, event)
                begun.end(id=order_id, status=STATUSES[seen - 1])
        except (Wrong, Failed) as error:
            user.shared.recorder.detail(name, "GET", path, response.status_code, error, event)
            response.failure(error)
            return None
        finally:
            if response._response:
                response._response.release()  # the user's only connection, if the stream was not read to its end
        response.success()
        return seen


def _opened(response: Any) -> None:
    if error := response.request_meta["exception"]:
        raise Failed(f"{type(error).__name__}: {error}")
    if response.status_code != 200:
        raise Failed(f"status {response.status_code} instead of 200")
    same("the media type", response.headers.get("content-type", "").split(";")[0], "text/event-stream")


def _next(response: Any) -> bytes:
    """Nothing when the stream has ended, whether well or not."""
    try:
        event: bytes = response._response.readline(b"\n\n")
    except TimeoutError as error:
        raise Failed("no event for too long") from error
    except FAILURE_EXCEPTIONS:
        return b""
    return event


def _event(order_id: str, seen: int, event: bytes) -> int:
    try:
        lines = dict(line.split(": ", 1) for line in event.decode().strip().split("\n"))
        data = json.loads(lines["data"])
        fields("the event", data, ("order_id", "sequence", "status", "at"))
        same("the sequence", (int(lines["id"]), data["sequence"]), (seen + 1, seen + 1))
        said = (lines["event"], data["order_id"], data["status"])
        same("the event", said, ("status", order_id, STATUSES[seen]))
        if not INSTANT.fullmatch(data["at"]):
            raise Wrong(f"the event's time is malformed: {data['at']}")
    except MALFORMED as error:
        raise Wrong(f"malformed event: {error!r}") from error
    return seen + 1
