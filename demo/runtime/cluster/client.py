"""The cluster runtime as its users see it; it keeps nothing of its own: what must be known stands in the cluster."""

import asyncio
import base64
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Self
from urllib.parse import quote

from telemetry.edges import EdgeCounters
from telemetry.spans import Span

from runtime.api import Certificate, Event, Infrastructure, NotRunning, Part, RuntimeFailure, WorkloadStatus
from runtime.cluster import edge, events
from runtime.cluster.addons import Addons
from runtime.cluster.admin import Proxies
from runtime.cluster.api import Api, NotThere, Object
from runtime.cluster.fleet import START_LIMIT, Fleet, known
from runtime.cluster.forward import Forwards, Pod
from runtime.cluster.helpers import OUTSIDE, RELAYED, Helpers
from runtime.cluster.kubectl import Kubectl
from runtime.cluster.mesh import Mesh
from runtime.cluster.nodes import Nodes
from runtime.cluster.observing import Observing
from runtime.cluster.pods import DATABASES, PLACES, PROXY, Pods, name_of
from runtime.cluster.ports import Ports
from runtime.cluster.render import Rendered, condition, deployment, named, overlay
from runtime.manifests import NAMESPACE, ROOT, manifest
from runtime.mesh_objects import read
from runtime.users import user_token

POSTGRES, NATS = 5432, 4222


class ClusterRuntime:
    """Everything in one namespace of the cluster of a kubectl context; made by `up` or `connect`."""

    capabilities = frozenset({"kubernetes"})

    def __init__(self, context: str) -> None:
        self.kubectl = Kubectl(context)
        self.api = Api(self.kubectl)
        self.pods = Pods(self.api)
        self._forwards = Forwards(self.kubectl)
        self._helpers = Helpers(self.api, self.pods)
        self._proxies = Proxies(self.pods, self._forwards)
        self._mesh = Mesh(self.api, self._proxies)
        self._rendered = Rendered(self.api)
        self._fleet = Fleet(self.api, self.pods, self._mesh, self._rendered)
        self._nodes = Nodes(self.kubectl, self.pods, self._helpers)
        self._observing = Observing(self.api, self.pods, self._proxies, self._nodes)
        self._ports = Ports(self.pods, self._forwards)
        self._addons = Addons(self.pods, self._ports)
        self._edge = ""

    def __reduce__(self) -> tuple[Any, ...]:
        """What another process needs to connect to the same cluster: no connection of ours is of use to it."""
        return _again, (self.kubectl.context, self._edge)

    @classmethod
    async def up(cls, context: str, progress: Callable[[str], None] = lambda _: None) -> Self:
        """The namespace, the passwords and the mesh's rules, where they are not there yet."""
        runtime = cls(context)
        await runtime._must_be_istio()
        progress(f"prepare the namespace {NAMESPACE} for k8s/overlays/{await overlay(runtime.api)}")
        await runtime._prepare()
        runtime._edge = await edge.find(runtime.api)
        return runtime

    @classmethod
    async def connect(cls, context: str) -> Self:
        runtime = cls(context)
        await runtime._must_be_istio()
        if not await runtime.api.find(f"/api/v1/namespaces/{NAMESPACE}"):
            raise NotRunning(f"context {context} has no namespace {NAMESPACE}: `make deploy` or `figtree up`")
        runtime._edge = await edge.find(runtime.api)
        return runtime

    async def _must_be_istio(self) -> None:
        await self.api.get("/version")
        groups = {group["name"] for group in (await self.api.get("/apis"))["groups"]}
        if "networking.istio.io" not in groups:
            raise NotRunning(f"the cluster of context {self.kubectl.context} has no Istio: `make cluster`")

    async def _prepare(self) -> None:
        process = await asyncio.create_subprocess_exec(
            str(ROOT / "k8s/scripts/prepare"), "0-monolith",
            env=os.environ | {"KUBECTL_CONTEXT": self.kubectl.context},
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        output, _ = await process.communicate()
        if process.returncode:
            raise RuntimeFailure(f"k8s/scripts/prepare: {output.decode(errors='replace').strip()[-1000:]}")

    def edge(self) -> str:
        return self._edge

    def page(self) -> str:
        """Nobody serves it in the cluster: `figtree page` does, from here."""
        return ""

    async def workloads(self) -> list[WorkloadStatus]:
        return await self.pods.statuses()

    async def start(
        self, workload: str, *, replicas: int = 1, version: str = "v1", env: Mapping[str, str] | None = None
    ) -> None:
        await self._fleet.start(workload, replicas, version, env or {})

    async def stop(self, workload: str, *, version: str | None = None) -> None:
        await self._fleet.stop(workload, version)

    async def scale(self, workload: str, replicas: int, *, version: str = "v1") -> None:
        await self._fleet.scale(workload, replicas, version)

    async def autoscaling(self, on: bool, *workloads: str) -> None:
        await self._fleet.autoscaling(on, workloads)

    async def restart(self, workload: str, *, env: Mapping[str, str] | None = None) -> None:
        await self._fleet.restart(workload, env)

    async def kill(self, workload: str, part: Part = "app", replica: int = 0) -> None:
        if workload == "postgres":
            for pod in await self.pods.labelled(DATABASES):
                await self._nodes.kill(pod, "postgres")
            return
        running = await self.pods.of(workload)
        if replica >= len(running):
            raise NotRunning(f"{workload} has {len(running)} replicas")
        container = PLACES[workload][2] if workload in PLACES else workload
        await self._nodes.kill(running[replica], PROXY if part == "proxy" else container)

    async def stop_infrastructure(self, name: Infrastructure) -> None:
        if name == "postgres":
            await self._nodes.hold(name, await self.pods.labelled(DATABASES), "postgres")
        else:
            await self._nodes.hold(name, await self.pods.of(name), PLACES[name][2])

    async def start_infrastructure(self, name: Infrastructure) -> None:
        await self._nodes.release(name)
        if name in ("postgres", "nats"):
            selector = DATABASES if name == "postgres" else PLACES[name][1]
            sets = {p["metadata"]["labels"]["app"] for p in await self.pods.labelled(selector)}
            await asyncio.gather(*(self._fleet.ready_stateful(one) for one in sets))
            return
        async with asyncio.timeout(START_LIMIT):
            while not all(condition(pod, "Ready") for pod in await self.pods.of(name)):  # noqa: ASYNC110
                await asyncio.sleep(0.2)
            while name == "istiod" and not await self._mesh.is_guarded():  # noqa: ASYNC110
                await asyncio.sleep(0.2)

    async def nats_url(self) -> str:
        return f"nats://127.0.0.1:{await self._ports.of('nats', NATS, 'app=nats')}"

    async def apply(self, paths: Sequence[Path]) -> None:
        if any(item["kind"] == "RequestAuthentication" for path in paths for item in read(path)):
            await self._helpers.keys()  # istiod asks for them at once, and then not for a long time
        await self._mesh.apply(paths)

    async def delete(self, paths: Sequence[Path]) -> None:
        await self._mesh.delete(paths)

    async def applied(self) -> dict[str, Path]:
        return await self._mesh.applied()

    async def in_force(self) -> dict[str, dict[str, Any]]:
        return await self._mesh.in_force()

    async def address(self, workload: str) -> str:
        """Through the stranger's pod: a port of ours would enter the pod behind its sidecar."""
        port = await self._helpers.strange_port(workload)
        return f"127.0.0.1:{await self._ports.of('stranger', port, 'app=stranger', OUTSIDE)}"

    async def egress(self, workload: str) -> str:
        async def there() -> Pod:
            return name_of(await self._helpers.caller(known(workload)))

        await there()
        return f"127.0.0.1:{await self._forwards.port(f'caller-{workload}', RELAYED, there)}"

    async def run_proxyless(self, account: str, script: Path, *args: str) -> str:
        pod = await self._helpers.proxyless(account)
        command = ["-n", NAMESPACE, "exec", "-i", pod, "-c", "client", "--", "python", "-", *args]
        return await self.kubectl.run(*command, stdin=await asyncio.to_thread(script.read_bytes))

    async def run_in_caller(self, account: str, *command: str) -> str:
        """In the pod that calls in the name of that service account."""
        pod = (await self._helpers.caller(account))["metadata"]["name"]
        return await self.kubectl.run("-n", NAMESPACE, "exec", pod, "-c", "relay", "--", *command)

    async def statistics(self, pod: Object) -> dict[str, float]:
        """Of one pod's sidecar."""
        return await (await self._proxies.admin(pod)).statistics()

    async def deployment(self, workload: str) -> Object:
        """As the runtime itself applies it."""
        return deployment(await self._rendered.of(known(workload)), "v1", {}, 1)

    async def roll_out(self, workload: str, item: Object) -> None:
        await self._fleet.roll_out(workload, item)

    async def database_url(self, workload: str) -> str:
        """As the pod has it: its host is a name in the cluster."""
        own = (await self._fleet.settings(workload)).get("DATABASE_URL")
        return own or await self._secret(f"{workload}-db", "url")

    async def _secret(self, name: str, key: str) -> str:
        try:
            secret = await self.api.get(named("secrets", name))
        except NotThere:
            return ""
        return base64.b64decode(secret["data"][key]).decode()

    async def user_token(self, user: str, *, audience: str = "figtree", seconds: float = 300.0) -> str:
        return user_token(await self._helpers.keys(), user, audience, seconds)

    async def run(self, workload: str, *args: str, stdin: bytes = b"") -> str:
        """In a pod of the workload, beside the process that serves."""
        pod = await self.pods.first(known(workload))
        command = [*manifest(workload).command, *args]
        where = ["-n", NAMESPACE, "exec", "-i", pod["metadata"]["name"], "-c", workload, "--"]
        return await self.kubectl.run(*where, *command, stdin=stdin)

    async def admin_url(self, database: str) -> str:
        password = await self._secret(f"{database}-db-admin", "password")
        port = await self._ports.of(f"{database}-db", POSTGRES, f"app={database}-db")
        return f"postgresql://postgres:{quote(password)}@127.0.0.1:{port}/{database}?sslmode=disable"

    async def replication_conninfo(self, database: str) -> str:
        password = await self._secret(f"{database}-db-admin", "password")
        return f"host={database}-db port={POSTGRES} dbname={database} user=postgres password={password}"

    async def logs(self, workload: str, part: Part = "app", lines: int = 100) -> list[str]:
        return await self._observing.logs(workload, part, lines)

    async def database_log(self, database: str, lines: int) -> list[str]:
        return await self._observing.database_log(database, lines)

    async def counters(self, workload: str, prefix: str = "", *, matching: str = "") -> dict[str, float]:
        return await self._proxies.counters(workload, prefix, matching)

    async def proxy_config(self, workload: str) -> dict[str, Any]:
        return await (await self._proxies.admin(await self.pods.first(workload))).config()

    async def edges(self) -> list[EdgeCounters]:
        return await self._observing.edges()

    async def report(self, name: str, value: float, **labels: str) -> None:
        await self._addons.report(name, value, labels)

    async def trace(self, trace_id: str) -> list[Span]:
        return await self._addons.trace(trace_id)

    async def traces(self, order_id: str = "", limit: int = 20) -> list[list[Span]]:
        return await self._addons.traces(order_id, limit)

    async def addon(self, name: str) -> str:
        """The URL of "prometheus", "jaeger", "loki" or "pushgateway"."""
        return await self._addons.url(name)

    async def proxy_certificate(self, workload: str) -> Certificate:
        return await (await self._proxies.admin(await self.pods.first(workload))).certificate()

    async def rejected_updates(self) -> dict[str, int]:
        return await self._observing.rejected_updates()

    async def memory(self) -> dict[str, int]:
        return await self._observing.memory()

    async def cpu(self) -> dict[str, float]:
        return await self._observing.cpu()

    async def events(self, since: int = 0) -> list[Event]:
        return await events.since(self.api, since)

    async def close(self) -> None:
        """Our ports and connections; the cluster keeps what runs."""
        await self._forwards.close()
        await self.api.close()

    async def down(self) -> None:
        """Everything of ours; the cluster and its Istio stay."""
        await self._mesh.forget()
        for namespace in (NAMESPACE, OUTSIDE):
            await self.api.delete(f"/api/v1/namespaces/{namespace}")
        async with asyncio.timeout(START_LIMIT):
            for namespace in (NAMESPACE, OUTSIDE):
                while await self.api.find(f"/api/v1/namespaces/{namespace}"):  # noqa: ASYNC110
                    await asyncio.sleep(0.5)
        self.kubectl.close()


def _again(context: str, edge_url: str) -> ClusterRuntime:
    runtime = ClusterRuntime(context)
    runtime._edge = edge_url
    return runtime
