"""What scenes need in a cluster beside the system: k8s/scenes, applied when somebody asks for it."""

import asyncio
import base64
import copy
import json
import time
from typing import Any

import yaml
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from runtime import users
from runtime.api import Object, RuntimeFailure, StartFailed
from runtime.cluster.api import APPS, Api
from runtime.cluster.pods import CALLER, Pods
from runtime.cluster.render import K8S, condition, named
from runtime.manifests import NAMESPACE, manifest, workloads

SCENES = K8S / "scenes"
OUTSIDE = "figtree-outside"
LIMIT = 90.0
RELAYED = 15051  # the caller's own port
FIRST_STRANGE = 20000  # the stranger's, one for each workload
SECRET = "user-keys"  # noqa: S105
OURS = "figtree.example/helps=scenes"  # the label of everything inside
PLACEHOLDER = "ACCOUNT"


class Helpers:
    """Pods that the runtime needs beside the workloads: callers, node agents, a client outside of the mesh."""

    def __init__(self, api: Api, pods: Pods) -> None:
        self._api = api
        self._pods = pods
        self._rendered: dict[str, list[Object]] = {}
        self._ready: set[str] = set()
        self._lock = asyncio.Lock()
        self._key: rsa.RSAPrivateKey | None = None

    async def _objects(self, folder: str) -> list[Object]:
        if folder not in self._rendered:
            text = await self._api.kubectl.run("kustomize", str(SCENES / folder))
            self._rendered[folder] = [item for item in yaml.safe_load_all(text) if item]
        return copy.deepcopy(self._rendered[folder])

    async def outside(self) -> None:
        """The stranger and the agents."""
        async with self._lock:
            if "outside" in self._ready:
                return
            items = await self._objects("outside")
            for item in sorted(items, key=lambda item: item["kind"] != "Namespace"):
                if item["metadata"]["name"] == "stranger":
                    ways = [
                        f"{port}={n}.{NAMESPACE}:{manifest(n).port}" for n, port in _strange_ports().items()
                    ]
                    item["spec"]["template"]["spec"]["containers"][0]["args"] = ways
                await self._api.apply(item)
            await self._start_inside("called")  # the mesh has to refuse the stranger, not the network
            await self._available(f"{APPS}/namespaces/{OUTSIDE}/deployments/stranger")
            await self._available(f"{APPS}/namespaces/{OUTSIDE}/daemonsets/agent")
            self._ready.add("outside")

    async def _start_inside(self, *names: str) -> None:
        for item in await self._objects("inside"):
            if item["metadata"]["name"] in names:
                await self._api.apply(item)

    async def strange_port(self, workload: str) -> int:
        """The port at which the client outside of the mesh forwards to the workload."""
        await self.outside()
        return _strange_ports()[workload]

    async def caller(self, account: str) -> Object:
        """The pod that calls in the name of that service account."""
        async with self._lock:
            if account not in self._ready:
                await self._start_inside("relay", "callers", "called")
                await self._api.apply(await self._describe_pod(f"caller-{PLACEHOLDER}", account))
                await self._available(f"{APPS}/namespaces/{NAMESPACE}/deployments/caller-{account}")
                self._ready.add(account)
        pods = await self._pods.labelled(f"app={CALLER},account={account}")
        return next(pod for pod in reversed(pods) if condition(pod, "Ready"))

    async def proxyless(self, account: str) -> str:
        """The name of a pod whose processes find GRPC_XDS_BOOTSTRAP in their environment."""
        item = await self._describe_pod(f"proxyless-{PLACEHOLDER}", account)
        name = str(item["metadata"]["name"])
        path = named("pods", name)
        if not await self._api.find(path):
            await self._start_inside("callers", "called")
            await self._api.put(item)
        await self._until(path, lambda pod: condition(pod, "Ready"))
        return name

    async def leave(self) -> None:
        """Take away everything inside; ends when its pods have gone. The keys stay known, as istiod remembers them."""
        async with self._lock:
            places = {
                (await self._api.path(item)).rpartition("/")[0] for item in await self._objects("inside")
            }
            for place in places:
                await self._api.delete(place, labelSelector=OURS, propagationPolicy="Background")
            self._ready.clear()
            self._key = None
            deadline = time.monotonic() + LIMIT
            while await self._pods.labelled(OURS):
                if time.monotonic() > deadline:
                    raise RuntimeFailure(f"helpers of scenes ({OURS}) are still there after {LIMIT:g} s")
                await asyncio.sleep(0.2)

    async def keys(self) -> rsa.RSAPrivateKey:
        """Made once for the cluster; its public half is served where istiod looks for it."""
        async with self._lock:
            if self._key is None:
                self._key = await self._private_key()
                public = json.dumps(users.key_set(self._key))
                shown = {"users.json": public}
                metadata = {"name": SECRET, "namespace": NAMESPACE}
                await self._api.apply(
                    {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": shown}
                )
                await self._start_inside("keys")
                await self._available(f"{APPS}/namespaces/{NAMESPACE}/deployments/keys")
        return self._key

    async def _private_key(self) -> rsa.RSAPrivateKey:
        secret = await self._api.find(named("secrets", SECRET))
        if secret is None:
            made = rsa.generate_private_key(public_exponent=65537, key_size=2048)
            pem = made.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
            data = {"key.pem": base64.b64encode(pem).decode()}
            metadata = {"name": SECRET, "namespace": NAMESPACE}
            await self._api.put({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": data})
            return made
        loaded = serialization.load_pem_private_key(base64.b64decode(secret["data"]["key.pem"]), None)
        assert isinstance(loaded, rsa.RSAPrivateKey)
        return loaded

    async def _describe_pod(self, name: str, account: str) -> Object:
        (item,) = (one for one in await self._objects("inside") if one["metadata"]["name"] == name)
        filled: Object = json.loads(json.dumps(item).replace(PLACEHOLDER, account))
        return filled

    async def _available(self, path: str) -> None:
        def is_available(item: Any) -> bool:
            status = item.get("status", {})
            if status.get("observedGeneration", 0) < item["metadata"]["generation"]:
                return False
            if item["kind"] == "DaemonSet" or "desiredNumberScheduled" in status:
                return bool(status.get("numberReady", 0) >= status.get("desiredNumberScheduled", 1) > 0)
            return bool(status.get("updatedReplicas", 0) and condition(item, "Available"))

        await self._until(path, is_available)

    async def _until(self, path: str, holds: Any) -> None:
        deadline = time.monotonic() + LIMIT
        while not holds(await self._api.get(path)):
            if time.monotonic() > deadline:
                raise StartFailed(f"{path.rpartition('/')[2]} is not ready after {LIMIT:g} s")
            await asyncio.sleep(0.2)


def _strange_ports() -> dict[str, int]:
    return {name: FIRST_STRANGE + number for number, name in enumerate(workloads())}
