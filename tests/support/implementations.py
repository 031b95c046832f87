"""The two implementations of currency as processes, over one database."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
from grpc_health.v1 import health_pb2
from grpc_health.v1.health_pb2_grpc import HealthStub
from localmesh.go_services import GoService

from tests.support.processes import command, running

IMPLEMENTATIONS = ("python", "go")


def words_of(implementation: str) -> Sequence[str]:
    """What is executed; the one in Go is compiled where that was never done."""
    return command("currency") if implementation == "python" else [str(GoService("currency").ensure())]


@contextmanager
def currency(implementation: str, folder: Path, **environment: str) -> Iterator[str]:
    """The address of a process that serves, on a socket in the folder; its log is the file `log` there."""
    address = f"unix:{folder}/{implementation}"

    def serves() -> bool:
        with grpc.insecure_channel(address) as channel:
            health: Any = HealthStub(channel)
            try:
                answer = health.Check(health_pb2.HealthCheckRequest(), timeout=1)
            except grpc.RpcError:
                return False
            return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)

    with running(words_of(implementation), folder / "log", serves, LISTEN=address, **environment):
        yield address
