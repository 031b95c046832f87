"""The remote procedures that are derived from the runtime's Protocols."""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from localmesh.api import Parts
from localmesh.rpc import application, failure, procedures, remote
from runtime import api
from runtime.api import (
    Certificate,
    Command,
    Event,
    NotInForce,
    NotRunning,
    Refused,
    RuntimeFailure,
    WorkloadStatus,
)
from telemetry.edges import EdgeCounters
from telemetry.spans import Span

STATUS = WorkloadStatus("title", "v1", 0, "ready", None, True, 2, "127.4.1.10", "127.4.1.10 7")
EDGE = EdgeCounters("gateway", "v1", "title", "v1", "grpc", True, False, 5, 1, 12.5, {0.5: 1, 1000.0: 4})
SPAN = Span("t", "s", "", "title", "v1", "Get", "server", 1.25, 2.5, "ok", {"figtree.order_id": "o"})
EXPIRES = datetime(2026, 11, 28, 12, tzinfo=UTC)


class Whole:
    """Some methods of all parts; it remembers with what each was called."""

    def __init__(self) -> None:
        self.called: list[Any] = []

    def __getattr__(self, name: str) -> Any:
        async def answer(*args: object, **kwargs: object) -> None:
            raise NotImplementedError(name)

        return answer

    async def statuses(self) -> list[WorkloadStatus]:
        return [STATUS]

    async def start(
        self, workload: str, *, replicas: int = 1, version: str = "v1", env: Mapping[str, str] | None = None
    ) -> None:
        self.called.append((workload, replicas, version, env))

    async def autoscaling(self, on: bool, *workloads: str) -> None:
        self.called.append((on, workloads))

    async def command(self, workload: str, *args: str) -> Command:
        return Command([workload, *args], {"A": "b"})

    async def apply(self, paths: Sequence[Path]) -> None:
        self.called.append(paths)

    async def delete(self, paths: Sequence[Path]) -> None:
        raise NotInForce("title has not taken it")

    async def applied(self) -> dict[str, Path]:
        return {"Gateway/figtree/edge": Path("/istio/edge.yaml")}

    async def proxy_config(self, workload: str) -> dict[str, Any]:
        return {"configs": [{"@type": "x", "n": 1.5, "none": None}]}

    async def proxy_certificate(self, workload: str) -> Certificate:
        return Certificate("spiffe://x", EXPIRES)

    async def edges(self) -> list[EdgeCounters]:
        return [EDGE]

    async def report(self, name: str, value: float, **labels: str) -> None:
        self.called.append((name, value, labels))

    async def traces(self, order_id: str = "", limit: int = 20) -> list[list[Span]]:
        return [[SPAN]] * limit

    async def events(self, since: int = 0) -> list[Event]:
        return [Event(since + 1, 1.5, "ready", "title", "…")]


@pytest.fixture
def whole() -> Whole:
    return Whole()


@pytest.fixture
def parts(whole: Whole) -> Parts:
    """The client's side, in front of the server's side of `whole`."""
    transport = httpx.ASGITransport(application(Parts(*[whole] * len(fields(Parts)))))

    async def send(procedure: str, body: bytes) -> bytes:
        async with httpx.AsyncClient(transport=transport, base_url="http://supervisor") as client:
            answer = await client.post(f"/{procedure}", content=body)
        if answer.is_success:
            return answer.content
        raise failure(answer.json())

    return remote(Parts, send)


def test_every_coroutine_method_of_every_protocol_can_be_called() -> None:
    declared = {
        f"{field}.{name}"
        for field, protocol in (
            ("workloads", api.Workloads),
            ("mesh", api.Mesh),
            ("databases", api.Databases),
            ("telemetry", api.Telemetry),
            ("faults", api.Faults),
        )
        for name in vars(protocol)
        if not name.startswith("_")
    }
    own = {"supervisor.info", "supervisor.collector", "supervisor.down"}
    assert {procedure.name for procedure in procedures(Parts)} == declared | own


async def test_results_arrive_as_they_were(parts: Parts, whole: Whole) -> None:
    assert await parts.workloads.statuses() == [STATUS]
    assert await parts.workloads.command("title", "seed", "--all") == Command(
        ["title", "seed", "--all"], {"A": "b"}
    )
    assert await parts.mesh.applied() == {"Gateway/figtree/edge": Path("/istio/edge.yaml")}
    assert await parts.mesh.proxy_config("title") == await whole.proxy_config("title")
    assert await parts.mesh.proxy_certificate("title") == Certificate("spiffe://x", EXPIRES)
    assert await parts.telemetry.edges() == [EDGE]
    assert await parts.telemetry.traces(limit=2) == [[SPAN], [SPAN]]
    assert await parts.telemetry.events(7) == [Event(8, 1.5, "ready", "title", "…")]


async def test_arguments_arrive_as_they_were(parts: Parts, whole: Whole) -> None:
    await parts.workloads.start("title")
    await parts.workloads.start("title", replicas=2, version="v2", env={"RULESET": "v2"})
    await parts.workloads.autoscaling(False)
    await parts.workloads.autoscaling(True, "title", "order")
    await parts.telemetry.report("figtree_shape", 3.5, module="title", direction="back")
    assert whole.called == [
        ("title", 1, "v1", None),
        ("title", 2, "v2", {"RULESET": "v2"}),
        (False, ()),
        (True, ("title", "order")),
        ("figtree_shape", 3.5, {"module": "title", "direction": "back"}),
    ]


async def test_a_relative_path_means_the_callers_folder(
    parts: Parts, whole: Whole, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    await parts.mesh.apply([Path("edge.yaml"), tmp_path / "other.yaml"])
    assert whole.called == [[Path.cwd() / name for name in ("edge.yaml", "other.yaml")]]


async def test_a_failure_arrives_with_its_kind_and_its_text(parts: Parts) -> None:
    with pytest.raises(NotInForce, match=r"^title has not taken it$"):
        await parts.mesh.delete([])
    with pytest.raises(RuntimeFailure, match=r"^NotImplementedError: nats_url$") as unexpected:
        await parts.databases.nats_url()
    assert type(unexpected.value) is RuntimeFailure


@pytest.mark.parametrize("kind", [NotRunning, Refused, api.NeedsMesh, api.StartFailed, api.CommandFailed])
def test_each_kind_of_failure_of_the_runtime_keeps_its_type(kind: type[RuntimeFailure]) -> None:
    assert type(failure({"error": kind.__name__, "message": "why"})) is kind


async def test_what_no_protocol_declares_cannot_be_called(whole: Whole) -> None:
    transport = httpx.ASGITransport(application(Parts(*[whole] * len(fields(Parts)))))
    async with httpx.AsyncClient(transport=transport, base_url="http://supervisor") as client:
        for name in ("workloads.__init__", "workloads.called", "start", "supervisor.statuses", "workloads"):
            answer = await client.post(f"/{name}", json={})
            assert answer.status_code == 404, name
            assert answer.json() == {"error": "RuntimeFailure", "message": f"there is no {name}"}
    assert whole.called == []


async def test_arguments_of_another_type_are_refused(whole: Whole) -> None:
    transport = httpx.ASGITransport(application(Parts(*[whole] * len(fields(Parts)))))
    async with httpx.AsyncClient(transport=transport, base_url="http://supervisor") as client:
        answer = await client.post("/faults.kill", json={"workload": "title", "part": "disk", "replica": 0})
    assert answer.status_code == 500
    assert "ValidationError" in answer.json()["message"]
