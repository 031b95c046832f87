"""The process's log, which knows the call under way."""

import logging
import sys

from tracing.logs import JsonLines

from service_kit.context import call_and_customer


def configure_logging(service: str, version: str, level: str = "INFO", key: str = "") -> None:
    """Send the whole process's log to standard error as JSON lines; `key` is for the hashes of customers."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines(service, version, call_and_customer, key))
    logging.basicConfig(handlers=[handler], level=level.upper(), force=True)
