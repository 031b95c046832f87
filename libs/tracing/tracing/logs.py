"""One JSON line an event, with the trace that it belongs to, and no more of the customer than who is the same one."""

import hashlib
import json
import logging
import secrets
from collections.abc import Callable
from datetime import UTC, datetime

from tracing.spans import TRACEPARENT, Headers


class JsonLines(logging.Formatter):
    """`call` gives the headers of the call under way and its customer's id, if known.

    Lines of processes with the same key have the same hash for one customer; without a key each process has its own.
    """

    def __init__(self, service: str, version: str, call: Callable[[], tuple[Headers, str]], key: str) -> None:
        super().__init__()
        self._fixed = {"service": service, "version": version}
        self._call = call
        self._key = (key or secrets.token_hex(16)).encode()[:64]

    def format(self, record: logging.LogRecord) -> str:
        headers, customer = self._call()
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            **self._fixed,
            "message": record.getMessage(),
        }
        parts = headers.get(TRACEPARENT, "").split("-")
        if len(parts) == 4:
            line |= {"trace_id": parts[1], "span_id": parts[2]}
        if request_id := headers.get("x-request-id"):
            line["request_id"] = request_id
        if customer:
            line["customer"] = hashlib.blake2b(customer.encode(), key=self._key, digest_size=8).hexdigest()
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)
