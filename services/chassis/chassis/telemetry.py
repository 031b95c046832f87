"""One JSON line an event on standard error, with the trace that it belongs to."""

import json
import logging
import sys
from datetime import UTC, datetime

from chassis.context import current


class JsonLines(logging.Formatter):
    def __init__(self, service: str, version: str) -> None:
        super().__init__()
        self._fixed = {"service": service, "version": version}

    def format(self, record: logging.LogRecord) -> str:
        headers = current().headers
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            **self._fixed,
            "message": record.getMessage(),
        }
        parts = headers.get("traceparent", "").split("-")
        if len(parts) == 4:
            line |= {"trace_id": parts[1], "span_id": parts[2]}
        if request_id := headers.get("x-request-id"):
            line["request_id"] = request_id
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


def configure_logging(service: str, version: str, level: str = "INFO") -> None:
    """Send the whole process's log to standard error as JSON lines."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines(service, version))
    logging.basicConfig(handlers=[handler], level=level.upper(), force=True)
