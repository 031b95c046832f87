"""The process's log, which knows the call under way."""

import logging
import sys
from functools import partial

from tracing.logs import JsonLines

from service_kit.context import Conventions, call_and_subject


def configure_logging(
    service: str, version: str, conventions: Conventions, level: str = "INFO", key: str = ""
) -> None:
    """Send the whole process's log to standard error as JSON lines; `key` is for the hashes of subjects."""
    call = partial(call_and_subject, conventions.user_header)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines(service, version, call, key, conventions.subject))
    logging.basicConfig(handlers=[handler], level=level.upper(), force=True)
