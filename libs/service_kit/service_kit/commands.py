"""The command line that every service has."""

import argparse
import sys
from collections.abc import Callable, Coroutine, Mapping
from functools import partial
from typing import Any, TypeVar

import tracing

from service_kit.context import Conventions
from service_kit.server import run
from service_kit.settings import ServiceSettings
from service_kit.telemetry import configure_logging

S = TypeVar("S", bound=ServiceSettings)


def run_command(
    name: str,
    read_settings: Callable[[], S],
    conventions: Conventions,
    commands: Mapping[str, Callable[[S], Coroutine[Any, Any, None]]],
    refusals: tuple[type[Exception], ...] = (),
) -> None:
    """The command line of a service, `NAME [COMMAND]`; without a command, `serve`.

    A refusal ends the process with one line on standard error instead of a traceback.
    """
    parser = argparse.ArgumentParser(name)
    parser.add_argument("command", nargs="?", default="serve", choices=list(commands))
    command = parser.parse_args().command
    settings = read_settings()
    configure_logging(name, settings.version, conventions, settings.log_level, settings.log_hash_key)
    if command == "serve":
        tracing.configure(name, settings.version, settings)
    try:
        run(partial(commands[command], settings))
    except refusals as error:
        sys.exit(f"{name} {command}: {error}")
