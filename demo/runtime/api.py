"""What the rest of the demo knows of the place where the system runs: five Protocols and the types they speak in.

`localmesh` and `runtime.cluster` implement each of them once. What the command and the supervisor of the local mesh say
to each other is derived from the signatures below (localmesh.rpc).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal, Protocol

from pydantic import PlainSerializer, SkipValidation
from telemetry.edges import EdgeCounters
from telemetry.spans import Span

Part = Literal["app", "proxy"]
# Who provides it says which there are, and with which words.
Infrastructure = Annotated[Literal["istiod", "ingress", "postgres", "nats"], SkipValidation]
Object = dict[str, Any]  # of Kubernetes, Istio or Envoy, as its JSON says
File = Annotated[
    Path, PlainSerializer(lambda path: str(path.resolve()))
]  # whoever receives it has another folder


class RuntimeFailure(Exception):
    """Something the runtime was asked for did not happen; the text says why."""


class NotRunning(RuntimeFailure):
    """The workload or the replica does not run."""

    pass


class NeedsMesh(RuntimeFailure):
    """Asked of a runtime that runs without a mesh (MESH=off)."""


class Refused(RuntimeFailure):
    """Istio does not accept a manifest; the text is Istio's own message. The old state stands."""


class NotInForce(RuntimeFailure):
    """A manifest is accepted, but a proxy has not taken it in time; the text says which."""


class StartFailed(RuntimeFailure):
    """The workload did not become ready."""

    pass


class CommandFailed(RuntimeFailure):
    """A one-off command ended with another status than 0; the text is what it wrote to standard error."""


@dataclass(frozen=True, slots=True)
class WorkloadStatus:
    """One version of a workload, as it runs."""

    name: str
    version: str
    replica: int
    state: str  # starting, ready, failing, stopping
    pid: int | None
    ready: bool
    restarts: int
    ip: str
    instance: str = ""  # what tells one process from the one after it, whatever the runtime
    node: str = ""  # of a cluster
    pod: str = ""


@dataclass(frozen=True, slots=True)
class Certificate:
    """The certificate that a sidecar presents."""

    spiffe_id: str
    expires: datetime


@dataclass(frozen=True, slots=True)
class Event:
    """One line of the runtime's own events."""

    sequence: int
    at: float  # seconds since the epoch
    kind: str  # started, ready, exited, stopped, applied, deleted, refused, killed, frozen
    subject: str
    message: str


@dataclass(frozen=True, slots=True)
class Usage:
    """What processes have used of the machine."""

    cpu: float  # seconds, since they began
    memory: int  # bytes, now


@dataclass(frozen=True, slots=True)
class Command:
    """A process that the caller may start (runtime.commands.run)."""

    argv: Sequence[str]
    env: Mapping[str, str] | None = None  # instead of the caller's own; None keeps that


class Workloads(Protocol):
    """The processes of the system: which run, how many of each, with which settings."""

    async def statuses(self) -> list[WorkloadStatus]:
        """Of each replica of each workload."""

    async def prepare(self, workload: str, version: str) -> str:
        """Begin to make the program of a version where it is compiled here; what is done, "" when nothing is left to
        do. A cluster gets its programs as images. Raises RuntimeFailure if it cannot be made."""

    async def start(
        self, workload: str, *, replicas: int = 1, version: str = "v1", env: Mapping[str, str] | None = None
    ) -> None:
        """Make its database, migrate it, start it; ends when every replica serves through its sidecar."""

    async def stop(self, workload: str, *, version: str | None = None) -> None:
        """Take it out of its neighbours' sight, let it finish what is under way, stop it."""

    async def scale(self, workload: str, replicas: int, *, version: str = "v1") -> None:
        """Start or stop replicas until there are so many; ends when the new ones serve and the old ones have ended."""

    async def autoscaling(self, on: bool, *workloads: str) -> None:
        """Let the autoscalers of these workloads act, or hold them still: then nobody but `scale` changes a number. If
        none is named all of them, Istio's own included. Nothing happens where there are none."""

    async def restart(self, workload: str, *, env: Mapping[str, str] | None = None) -> None:
        """Rolling: the new one is ready before the old one goes. `env` replaces the settings given to start."""

    async def address(self, workload: str) -> str:
        """host:port at which a stranger on the network reaches the workload: before its sidecar, not behind it."""

    async def command(self, workload: str, *args: str) -> Command:
        """`workload args…`, to run once in the workload's environment."""


class Mesh(Protocol):
    """Istio: its resources, its sidecars, the identities that it and the edge believe."""

    async def apply(self, paths: Sequence[File]) -> None:
        """All of the files or none; ends when every proxy has it. Raises Refused, or NotInForce if a proxy does not
        take it in time."""

    async def delete(self, paths: Sequence[File]) -> None:
        """Ends, and raises, as `apply` does."""

    async def applied(self) -> dict[str, Path]:
        """Kind/namespace/name of each object applied, and the file it came from."""

    async def in_force(self) -> dict[str, Object]:
        """Kind/namespace/name of each object and its spec as the control plane has it, without those that the
        runtime derives from the workloads."""

    async def egress(self, workload: str) -> str:
        """host:port that leads through the workload's sidecar, in its name, to its neighbours; called by authority."""

    async def proxyless(self, account: str, *args: str) -> Command:
        """A Python that takes part in the mesh without a sidecar, with the identity of that service account. It reads
        its script from standard input and finds GRPC_XDS_BOOTSTRAP in its environment."""

    async def user_token(self, user: str, *, audience: str = "figtree", seconds: float = 300.0) -> str:
        """A JSON Web Token for a user of the edge, from the issuer that istio/security/edge-jwt.yaml trusts."""

    async def proxy_config(self, workload: str) -> Object:
        """What the control plane has given the workload's first sidecar: Envoy's own dump of its configuration."""

    async def proxy_certificate(self, workload: str) -> Certificate:
        """The certificate that the workload's first sidecar shows."""

    async def rejected_updates(self) -> dict[str, int]:
        """How many configurations each proxy has refused."""


class Databases(Protocol):
    """Where the workloads keep their data: a PostgreSQL database each, and the queue."""

    async def has(self, database: str) -> bool:
        """Whether there is such a database. A cluster that began with the last shape has none of the monolith's."""

    async def url(self, workload: str) -> str:
        """What the workload itself connects to its database with; its host may be a name that only workloads know."""

    async def admin_url(self, database: str) -> str:
        """What the superuser connects to that database with, from this machine."""

    async def replication_conninfo(self, database: str) -> str:
        """What CREATE SUBSCRIPTION in another database of this runtime needs to read from this one."""

    async def log(self, database: str, lines: int) -> list[str]:
        """The last lines that the server of that database has written."""

    async def nats_url(self) -> str:
        """What a client of the queue connects to."""


class Telemetry(Protocol):
    """What the system says of itself."""

    async def logs(self, workload: str, part: Part = "app", lines: int = 100) -> list[str]:
        """The last lines of each replica of a workload; or of "istiod", "ingress", "postgres" or "nats"."""

    async def counters(self, workload: str, prefix: str = "", *, matching: str = "") -> dict[str, float]:
        """Statistics of the workload's sidecars, summed over its replicas: those whose names contain `prefix`, and in
        which the regular expression `matching` is found."""

    async def edges(self) -> list[EdgeCounters]:
        """Who has called whom since the proxies started, as the callers' sidecars counted it; what a mirror sent, as
        the callees' did."""

    async def report(self, name: str, value: float, **labels: str) -> None:
        """A figure of the demo's own, one of `telemetry.figures.KNOWN`, for who scrapes the runtime."""

    async def trace(self, trace_id: str) -> list[Span]:
        """In the order in which they began; none if there is no such trace, or no longer."""

    async def traces(self, order_id: str = "", limit: int = 20) -> list[list[Span]]:
        """The newest first; with an order's id those in which it was placed or read."""

    async def memory(self) -> dict[str, int]:
        """Proportional set size of each process in bytes."""

    async def cpu(self) -> dict[str, float]:
        """Seconds of CPU that each running workload has used so far, its sidecar's included."""

    async def usage(self, workload: str, version: str = "v1") -> Usage:
        """Of one version's processes, without their sidecars."""

    async def events(self, since: int = 0) -> list[Event]:
        """What happened after the event with that sequence number, in order."""


class Faults(Protocol):
    """What breaks the system on purpose."""

    async def kill(self, workload: str, part: Part = "app", replica: int = 0) -> None:
        """SIGKILL; the runtime restarts it. Also "istiod", "ingress", "postgres" and "nats"."""

    async def freeze(self, workload: str, replica: int = 0) -> None:
        """SIGSTOP: the application keeps its connections and answers nothing, until its liveness probe fails."""

    async def stop_infrastructure(self, name: Infrastructure) -> None:
        """SIGKILL, and it stays away until it is started again; "postgres" is the servers of all workloads."""

    async def start_infrastructure(self, name: Infrastructure) -> None:
        """Ends when it is ready; nothing happens if it runs."""


class Runtime(Protocol):
    """The place where the system runs. A function that needs one part of it takes that part's Protocol."""

    # What steps and scenes may need of it: "mesh", "gateway api", "kubernetes", "volumes",
    # "two nodes", "two zones".
    capabilities: frozenset[str]

    @property
    def workloads(self) -> Workloads:
        """The processes of the system."""

    @property
    def mesh(self) -> Mesh:
        """Istio's resources and proxies."""

    @property
    def databases(self) -> Databases:
        """PostgreSQL and the queue."""

    @property
    def telemetry(self) -> Telemetry:
        """Logs, counters and traces."""

    @property
    def faults(self) -> Faults:
        """What breaks the system on purpose."""

    def edge(self) -> str:
        """The base URL at which the system is used."""

    def page(self) -> str:
        """The address of the demo's page; "" where `figtree page` has to serve it."""

    async def tidy(self) -> None:
        """Take away what scenes have put beside the workloads."""

    async def down(self) -> None:
        """Stop everything and forget it; ends when nothing is left."""
