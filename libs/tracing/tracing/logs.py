"""One JSON line for each event, with its trace; whom it concerns is written as a keyed hash."""

import hashlib
import json
import logging
import secrets
from collections.abc import Callable
from datetime import UTC, datetime

from tracing.spans import TRACEPARENT, Headers


class JsonLines(logging.Formatter):
    """`call` gives the headers of the call under way and whom it concerns, if known; `subject` is that field's name.

    Lines of processes with the same key have the same hash for one subject; without a key each process has its own.
    """

    def __init__(
        self, service: str, version: str, call: Callable[[], tuple[Headers, str]], key: str, subject: str
    ) -> None:
        super().__init__()
        self._fixed = {"service": service, "version": version}
        self._call = call
        self._subject = subject
        self._key = (key or secrets.token_hex(16)).encode()[:64]

    def format(self, record: logging.LogRecord) -> str:
        """One record as one line of JSON."""
        headers, subject = self._call()
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
        if subject:
            line[self._subject] = hashlib.blake2b(subject.encode(), key=self._key, digest_size=8).hexdigest()
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)
