"""A Python process with the services' libraries in it, of which each service is a fork: they share what none changes.

Started by `Prefork` in `prefork_client.py`, which sends one request for each child over standard input: the command,
its environment and its folder as JSON, with the log's descriptor. The answer is the child's pid.
"""

import gc
import importlib
import importlib.metadata
import json
import os
import socket
import sys
import time
from collections.abc import Callable
from typing import Any, NoReturn

import setproctitle

from localmesh.process import die_with_parent

LIBRARIES = (
    "asyncpg",
    "fastapi",
    "grpc.aio",
    "grpc_health.v1.health",
    "grpc_reflection.v1alpha.reflection",
    "grpc_status.rpc_status",
    "nats",
    "opentelemetry.exporter.otlp.proto.http.trace_exporter",
    "opentelemetry.sdk.trace.export",
    "prometheus_client",
    "pydantic.networks",
    "pydantic_settings",
    "sqlalchemy.dialects.postgresql.asyncpg",
    "sqlalchemy.ext.asyncio",
    "uvicorn",
    "uvloop",
)
LARGEST = 256 * 1024  # a request


def main() -> NoReturn:
    """Serve until the other side closes; a child leaves as its console script does."""
    for library in LIBRARIES:
        importlib.import_module(library)
    setproctitle.getproctitle()  # finds the room for titles, which a child with another environment no longer can
    gc.collect()
    gc.freeze()  # the collector would write into every page otherwise
    requests = socket.socket(fileno=os.dup(0))
    supervisor = os.getppid()
    while True:
        message, descriptors, _, _ = socket.recv_fds(requests, LARGEST, 1)
        if not message:
            os._exit(0)
        reader, writer = os.pipe()
        if between := os.fork():
            os.close(writer)
            os.waitpid(between, 0)
            requests.send(os.read(reader, 32))
            for descriptor in (reader, *descriptors):
                os.close(descriptor)
            continue
        if os.fork():
            os._exit(0)  # so that the grandchild comes to the supervisor, who adopts orphans
        os.write(writer, str(os.getpid()).encode())
        for descriptor in (reader, writer, requests.detach()):
            os.close(descriptor)
        sys.exit(_run_child(json.loads(message), descriptors[0], supervisor)())


def _run_child(request: dict[str, Any], log: int, supervisor: int) -> Callable[[], Any]:
    """Make this process what the request says; its console script, still to be called."""
    while os.getppid() != supervisor:
        try:
            os.kill(supervisor, 0)
        except ProcessLookupError:  # it was killed before it adopted this process
            os._exit(1)
        time.sleep(0.0005)
    die_with_parent()
    os.setsid()
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.close(log)
    os.chdir(request["cwd"])
    os.environ.clear()
    os.environ.update(request["env"])
    sys.argv = request["command"]
    name = os.path.basename(sys.argv[0])  # noqa: PTH119
    setproctitle.setproctitle(" ".join([name, *sys.argv[1:]]))
    (script,) = importlib.metadata.entry_points(group="console_scripts", name=name)
    called: Callable[[], Any] = script.load()
    return called


if __name__ == "__main__":
    main()
