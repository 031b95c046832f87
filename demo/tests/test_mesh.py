"""Real istiod and Envoy around stand-ins."""

import asyncio
import contextlib
import json
import re
import ssl
import time
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any

import asyncpg
import grpc
import httpx
import psutil
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from google.protobuf import struct_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from localmesh import LocalRuntime
from localmesh.identity import Identity
from localmesh.instance import directory_of
from localmesh.leftovers import leftovers
from runtime.api import CommandFailed, NotInForce, Refused, RuntimeFailure
from runtime.commands import run

ROUTE = """
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {{name: edge-test}}
spec:
  hosts: ["*"]
  gateways: [edge]
  http:
    - route: [{{destination: {{host: monolith, port: {{number: 8080}}}}}}]
      headers: {{response: {{set: {{x-mark: "{mark}"}}}}}}
"""


def edit(route: Path, mark: str, port: str = "8080") -> None:
    route.write_text(ROUTE.format(mark=mark).replace("8080", port))


async def soon(check: Callable[[], Awaitable[bool]], seconds: float = 15.0) -> float:
    begun = time.monotonic()
    while not await check():
        assert time.monotonic() - begun < seconds, "it did not happen in time"
        await asyncio.sleep(0.02)
    return time.monotonic() - begun


async def status(runtime: LocalRuntime, path: str = "/who") -> int:
    async with httpx.AsyncClient(trust_env=False) as client:
        with contextlib.suppress(httpx.TransportError):
            return (await client.get(runtime.edge() + path)).status_code
        return 0


async def mark(runtime: LocalRuntime) -> str:
    async with httpx.AsyncClient(trust_env=False) as client:
        answer = await client.get(runtime.edge() + "/who")
    return str(answer.headers.get("x-mark", ""))


@pytest.fixture
async def route(mesh: LocalRuntime, tmp_path: Path) -> Path:
    path = tmp_path / "route.yaml"
    path.write_text(ROUTE.format(mark="one"))
    await mesh.mesh.apply([path])
    return path


async def test_the_edge_leads_to_the_workload_with_an_identity(mesh: LocalRuntime, route: Path) -> None:
    async with httpx.AsyncClient(trust_env=False) as client:
        answer = await client.get(mesh.edge() + "/who")
    assert answer.headers["x-mark"] == "one", "applied means: in effect when apply returns"
    account = "spiffe://cluster.local/ns/istio-system/sa/istio-ingressgateway-service-account"
    assert f"URI={account}" in answer.json()["caller"]
    certificate = await mesh.mesh.proxy_certificate("monolith")
    assert certificate.spiffe_id == "spiffe://cluster.local/ns/figtree/sa/monolith"
    assert 3600 < certificate.expires.timestamp() - time.time() < 90_000


async def test_no_proxy_has_refused_a_configuration(mesh: LocalRuntime, route: Path) -> None:
    rejected = await mesh.mesh.rejected_updates()
    assert len(rejected) == 3
    assert set(rejected.values()) == {0}


async def test_plaintext_to_a_workload_is_refused(mesh: LocalRuntime) -> None:
    (workload,) = [w for w in await mesh.workloads.statuses() if w.name == "monolith"]
    async with httpx.AsyncClient(trust_env=False) as client:
        with pytest.raises(httpx.TransportError):
            await client.get(f"http://{workload.ip}:8080/who")


async def test_tls_without_a_certificate_is_refused(mesh: LocalRuntime) -> None:
    (workload,) = [w for w in await mesh.workloads.statuses() if w.name == "monolith"]
    async with httpx.AsyncClient(trust_env=False, verify=False) as client:
        with pytest.raises((httpx.TransportError, ssl.SSLError)):  # at its writing or its reading
            await client.get(f"https://{workload.ip}:8080/who")


async def test_a_neighbour_is_called_by_name_through_the_sidecar(mesh: LocalRuntime) -> None:
    (workload,) = [w for w in await mesh.workloads.statuses() if w.name == "monolith"]
    egress = workload.ip.rsplit(".", 1)[0] + f".{int(workload.ip.rsplit('.', 1)[1]) + 100}"
    options = [("grpc.default_authority", "currency:50051")]
    async with grpc.aio.insecure_channel(f"{egress}:50051", options=options) as channel:
        health = health_pb2_grpc.HealthStub(channel)
        answer = await health.Check(  # type: ignore[attr-defined]
            health_pb2.HealthCheckRequest(), timeout=5
        )
    assert answer.status == health_pb2.HealthCheckResponse.SERVING


async def test_nothing_listens_on_every_address(mesh: LocalRuntime) -> None:
    root = directory_of(mesh.name)
    listening = set()
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.environ().get("FIGTREE_INSTANCE") == str(root):
                listening |= {
                    c.laddr.ip for c in process.net_connections("tcp") if c.status == psutil.CONN_LISTEN
                }
    assert listening
    assert all(ip.startswith("127.") for ip in listening), listening


async def listeners_of_a_stranger(runtime: LocalRuntime) -> set[str]:
    """The addresses that istiod gives a proxy for which no Sidecar of its own is known, as in its first moments."""
    block = (await runtime.workloads.statuses())[0].ip.rsplit(".", 1)[0]
    metadata = struct_pb2.Struct()
    metadata.update({"INTERCEPTION_MODE": "NONE", "NAMESPACE": "figtree", "LABELS": {"app": "stranger"}})

    def field(number: int, content: bytes) -> bytes:  # of a message on the wire
        size = len(content)
        return bytes([number << 3 | 2, size & 0x7F | 0x80, size >> 7]) + content

    node_id = f"sidecar~{block}.99~stranger.figtree~figtree.svc.cluster.local".encode()
    node = field(1, node_id) + field(3, metadata.SerializeToString())
    request = field(2, node) + field(4, b"type.googleapis.com/envoy.config.listener.v3.Listener")
    async with grpc.aio.insecure_channel(f"{block}.2:15010") as channel:
        ads: Any = channel.stream_stream(
            "/envoy.service.discovery.v3.AggregatedDiscoveryService/StreamAggregatedResources"
        )
        call = ads(timeout=10)
        await call.write(request)
        answer: bytes = await call.read()
        call.cancel()
    return {name.decode() for name in re.findall(rb"(127\.\d+\.\d+\.\d+)_\d+", answer)}


async def test_a_proxy_that_starts_before_its_sidecar_is_known_takes_no_port_of_the_machine(
    mesh: LocalRuntime,
) -> None:
    """It listened on 127.0.0.1:8080 for a moment, and some of the edge's requests came to it."""
    addresses = await listeners_of_a_stranger(mesh)
    block = (await mesh.workloads.statuses())[0].ip.rsplit(".", 1)[0]
    assert addresses == {f"{block}.6"}


@pytest.mark.alone
async def test_an_edit_takes_effect_within_a_second(mesh: LocalRuntime, route: Path) -> None:
    seconds = []
    for wanted in ("two", "three", "four"):
        edit(route, mark=wanted)
        seconds.append(await soon(partial(_is, mesh, wanted)))
    assert min(seconds) < 1.0


async def _is(mesh: LocalRuntime, wanted: str) -> bool:
    return await mark(mesh) == wanted


async def test_an_invalid_manifest_is_refused_in_istios_words_and_the_old_one_stays(
    mesh: LocalRuntime, route: Path, tmp_path: Path
) -> None:
    bad = tmp_path / "bad.yaml"
    bad.write_text(ROUTE.format(mark="bad").replace("number: 8080", "number: 808080"))
    with pytest.raises(Refused, match="port number 808080 must be in the range"):
        await mesh.mesh.apply([bad])
    bad.write_text("apiVersion: networking.istio.io/v1\nkind: Nonsense\nmetadata: {name: x}\nspec: {}\n")
    with pytest.raises(Refused, match="unrecognized type"):
        await mesh.mesh.apply([bad])
    bad.write_text(ROUTE.format(mark="bad").replace("gateways:", "gatways:"))
    with pytest.raises(Refused, match=r'unknown field "spec\.gatways"'):
        await mesh.mesh.apply([bad])
    bad.write_text("a: [")
    with pytest.raises(Refused, match=r"bad\.yaml"):
        await mesh.mesh.apply([bad])
    assert await mark(mesh) == "one"
    assert (await mesh.mesh.applied())["VirtualService/figtree/edge-test"] == route


async def test_an_invalid_edit_is_refused_and_the_old_state_stays(mesh: LocalRuntime, route: Path) -> None:
    before = (await mesh.telemetry.events())[-1].sequence
    edit(route, mark="bad", port="808080")

    async def refused() -> bool:
        return any(e.kind == "refused" and "808080" in e.message for e in await mesh.telemetry.events(before))

    await soon(refused, 2)
    assert await mark(mesh) == "one"


async def test_delete_takes_the_route_away(mesh: LocalRuntime, route: Path) -> None:
    await mesh.mesh.delete([route])
    assert await status(mesh) == 404
    assert "VirtualService/figtree/edge-test" not in await mesh.mesh.applied()


async def test_what_is_killed_comes_back(mesh: LocalRuntime, route: Path) -> None:
    for workload, part in (
        ("monolith", "app"),
        ("monolith", "proxy"),
        ("ingress", "proxy"),
        ("istiod", "app"),
    ):
        await mesh.faults.kill(workload, part)  # type: ignore[arg-type]
        await asyncio.sleep(0.1)

        async def serves() -> bool:
            return await status(mesh) == 200

        took = await soon(serves)
        assert took < 12, f"{workload} {part} took {took:.1f} s"
    edit(route, mark="after")
    await soon(lambda: _is(mesh, "after"))


async def test_infrastructure_stays_away_until_it_is_started_again(mesh: LocalRuntime) -> None:
    address = (await mesh.databases.nats_url()).rpartition("@")[2].split(":")
    for _ in range(4):  # more often than a process may die while it starts
        await mesh.faults.stop_infrastructure("nats")
        await asyncio.sleep(0.3)
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection(address[0], int(address[1]))
        await mesh.faults.start_infrastructure("nats")
        reader, writer = await asyncio.open_connection(address[0], int(address[1]))
        assert (await reader.readline()).startswith(b"INFO")
        writer.close()
    await mesh.faults.stop_infrastructure("postgres")
    await mesh.faults.start_infrastructure("postgres")
    connection = await asyncpg.connect(await mesh.databases.admin_url("postgres"))
    await connection.close()
    with pytest.raises(RuntimeFailure, match="there is no rabbit"):
        await mesh.faults.stop_infrastructure("rabbit")  # type: ignore[arg-type]


async def test_a_frozen_process_is_taken_out_of_sight_and_then_started_anew(mesh: LocalRuntime) -> None:
    """As its manifest's probes say: silent for three periods of 5 s, then of 10 s."""
    await mesh.workloads.start("currency")
    (before,) = [one for one in await mesh.workloads.statuses() if one.name == "currency"]
    assert before.pid is not None
    frozen = psutil.Process(before.pid)
    for one in (frozen, *frozen.children(recursive=True)):
        one.suspend()
    seen = set()
    async with asyncio.timeout(90):
        while True:
            (now,) = [one for one in await mesh.workloads.statuses() if one.name == "currency"]
            seen.add((now.state, now.restarts))
            if now.ready and now.restarts == 1:
                break
            await asyncio.sleep(0.2)
    assert ("failing", 0) in seen, "nobody is sent to it any more before it is killed"
    assert now.pid != before.pid
    kinds = [(event.kind, event.message) for event in await mesh.telemetry.events()]
    assert ("silent", "the readiness probe has failed 3 times") in kinds
    assert ("silent", "the liveness probe has failed 3 times") in kinds


async def test_a_rolling_restart_loses_no_request(mesh: LocalRuntime, route: Path) -> None:
    seen, done = [], asyncio.Event()

    async def ask() -> None:
        async with httpx.AsyncClient(trust_env=False) as client:
            while not done.is_set():
                seen.append((await client.get(mesh.edge() + "/who")).status_code)

    asking = [asyncio.create_task(ask()) for _ in range(4)]
    before = {w.pid for w in await mesh.workloads.statuses() if w.name == "monolith"}
    await mesh.workloads.restart("monolith")
    await mesh.workloads.scale("monolith", 2)
    await mesh.workloads.scale("monolith", 1)
    done.set()
    await asyncio.gather(*asking)
    assert set(seen) == {200}
    after = {w.pid for w in await mesh.workloads.statuses() if w.name == "monolith"}
    assert len(after) == 1
    assert not before & after


async def test_one_off_commands(mesh: LocalRuntime) -> None:
    assert await run(await mesh.workloads.command("currency", "echo"), b"hello") == "hello"
    assert (await run(await mesh.workloads.command("currency", "env", "DATABASE_URL"))).startswith(
        "postgresql://currency:"
    )
    with pytest.raises(CommandFailed, match="it failed"):
        await run(await mesh.workloads.command("currency", "fail"))


async def test_counters_and_memory(mesh: LocalRuntime, route: Path) -> None:
    await status(mesh)
    counters = await mesh.telemetry.counters("ingress", "cluster.outbound|8080||monolith")
    assert sum(v for k, v in counters.items() if k.endswith("upstream_rq_total")) > 0
    memory = await mesh.telemetry.memory()
    assert {"supervisor", "postgres", "nats", "istiod", "ingress", "ingress envoy"} <= memory.keys()


async def certificate_for(runtime: LocalRuntime, token: str) -> grpc.StatusCode:
    """What the mesh's certificate authority answers to the bearer of a token."""
    root = directory_of(runtime.name)
    key = ec.generate_private_key(ec.SECP256R1())
    csr = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([])).sign(key, hashes.SHA256())
    pem = csr.public_bytes(serialization.Encoding.PEM)
    request = b"\x0a" + bytes([len(pem) & 0x7F | 0x80, len(pem) >> 7]) + pem
    credentials = grpc.ssl_channel_credentials((root / "secrets/cacerts/root-cert.pem").read_bytes())
    options = [("grpc.ssl_target_name_override", "istiod.istio-system.svc")]
    block = (await runtime.workloads.statuses())[0].ip.rsplit(".", 1)[0]
    async with grpc.aio.secure_channel(f"{block}.2:15012", credentials, options=options) as channel:
        create: Any = channel.unary_unary("/istio.v1.auth.IstioCertificateService/CreateCertificate")
        try:
            await create(request, metadata=[("authorization", f"Bearer {token}")], timeout=10)
        except grpc.aio.AioRpcError as error:
            return error.code()
        return grpc.StatusCode.OK


async def test_only_a_token_signed_by_the_instance_gets_a_certificate(
    mesh: LocalRuntime, tmp_path: Path
) -> None:
    (folder,) = (directory_of(mesh.name) / "proxies").glob("currency-*")
    genuine = (folder / "var/run/secrets/tokens/istio-token").read_text()
    assert await certificate_for(mesh, genuine) is grpc.StatusCode.OK
    forged = Identity(tmp_path).token("figtree", "currency")
    head, _, signature = genuine.split(".")
    other = forged.split(".")[1]
    for token in (forged, f"{head}.{other}.{signature}", f"{head}.{other}.", ""):
        assert await certificate_for(mesh, token) is grpc.StatusCode.UNAUTHENTICATED


async def test_a_failed_request_is_a_line_in_each_proxys_log_that_leads_to_its_trace_and_has_no_query(
    mesh: LocalRuntime, route: Path
) -> None:
    async with httpx.AsyncClient(
        base_url=mesh.edge(), headers={"x-client-trace-id": "1"}, trust_env=False
    ) as client:
        await client.get("/fails?customer_id=c-0001")
        await client.get("/fails/too", headers={"authorization": "Bearer secret"})

    async def lines(workload: str) -> list[dict[str, Any]]:
        found = await mesh.telemetry.logs(workload, "proxy", 200)
        return [json.loads(line) for line in found if line.startswith("{") and "GET /fails" in line]

    async def all_there() -> bool:
        return len(await lines("ingress")) == len(await lines("monolith")) == 2

    await soon(all_there)
    at_the_edge, beside_it = await lines("ingress"), await lines("monolith")
    for line in (*at_the_edge, *beside_it):
        assert line["message"] in ("GET /fails 404 -", "GET /fails/too 404 -")
        assert line["level"] == "info"
        assert "c-0001" not in json.dumps(line)
        assert "secret" not in json.dumps(line)
    assert {line["service"] for line in at_the_edge} == {"istio-ingressgateway"}
    assert {line["request_id"] for line in at_the_edge} == {line["request_id"] for line in beside_it}
    spans = [span for trace in await mesh.telemetry.traces(limit=50) for span in trace]
    assert {line["request_id"] for line in at_the_edge} <= {
        s.attributes.get("guid:x-request-id") for s in spans
    }


async def test_a_proxy_that_does_not_take_a_resource_is_named(mesh: LocalRuntime, route: Path) -> None:
    envoys = [p for p in leftovers(directory_of(mesh.name)) if p.name() == "envoy"]
    (frozen,) = [p for p in envoys if "ingress" in p.cwd()]
    frozen.suspend()
    try:
        with pytest.raises(NotInForce, match=r"VirtualService/figtree/.*not acknowledged by ingress"):
            await mesh.mesh.apply([route])
    finally:
        frozen.resume()
    await mesh.mesh.apply([route])
