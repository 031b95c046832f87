"""The supervisor as its clients see it: the five Protocols of the runtime, and what is said of the instance itself."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from runtime.api import Databases, Faults, Mesh, Telemetry, Workloads


@dataclass(frozen=True, slots=True)
class Info:
    pid: int
    name: str
    mesh: bool
    ready: bool
    failure: str  # why it will not become ready
    block: str  # 127.A.B
    edge_port: int
    page_port: int
    page_key: str
    ports: Mapping[str, int]


class Supervisor(Protocol):
    async def info(self) -> Info:
        """Who and where it is; answered from the first moment on."""

    async def collector(self) -> str:
        """The URL that takes OTLP and shows metrics and targets to Prometheus."""

    async def down(self) -> None:
        """Begin to stop everything."""


@dataclass(frozen=True, slots=True)
class Parts:
    """All that can be asked of an instance. In the supervisor they are the objects that do it, elsewhere stubs."""

    supervisor: Supervisor
    workloads: Workloads
    mesh: Mesh
    databases: Databases
    telemetry: Telemetry
    faults: Faults
