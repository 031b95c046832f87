"""The objects of k8s/ as this cluster gets them."""

import asyncio
import copy
import json
import os
from collections.abc import Mapping
from typing import Any

import yaml

from runtime.api import Object, RuntimeFailure
from runtime.cluster.api import Api
from runtime.manifests import NAMESPACE, ROOT, manifest

K8S = ROOT / "k8s"
EVERYTHING = "4-order"  # the step in which every workload runs
EXTRA = "figtree.example/env"  # settings given at start, kept with the pods so that a restart finds them
STARTED = "figtree.example/started"
NEEDS = {"order": ("nats",)}


async def overlay(api: Api) -> str:
    """The same choice as k8s/scripts/deploy makes."""
    if chosen := os.environ.get("OVERLAY"):
        return chosen
    classes = await api.list("/apis/storage.k8s.io/v1/storageclasses")
    if not classes:
        return "local-cluster"
    return "kind" if api.kubectl.context.startswith("kind-") else "none"


class Rendered:
    """Read once for each runtime: kustomize's answer for the step in which everything runs."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._objects: list[Object] = []
        self._lock = asyncio.Lock()

    async def objects(self) -> list[Object]:
        """All objects of the manifests, as kustomize renders them once."""
        async with self._lock:
            if not self._objects:
                where = await overlay(self._api)
                folder = K8S / ("steps" if where == "none" else f"overlays/{where}") / EVERYTHING
                text = await self._api.kubectl.run("kustomize", str(folder))
                if registry := os.environ.get("REGISTRY"):
                    text = text.replace("image: figtree/", f"image: {registry}/figtree/")
                self._objects = [item for item in yaml.safe_load_all(text) if item]
        return copy.deepcopy(self._objects)

    async def of(self, name: str) -> list[Object]:
        """A workload's, a database's or the queue's objects, without Jobs: seeding is a command of the runtime."""
        return [
            item
            for item in await self.objects()
            if item["metadata"]["name"] == name and item["kind"] not in ("Job", "Namespace")
        ]

    async def needed_by(self, workload: str) -> list[str]:
        """The StatefulSets without which it cannot start."""
        stateful = [
            item["metadata"]["name"] for item in await self.objects() if item["kind"] == "StatefulSet"
        ]
        return [name for name in (f"{workload}-db", *NEEDS.get(workload, ())) if name in stateful]


def deployment(items: list[Object], version: str, env: Mapping[str, str], replicas: int) -> Object:
    """v1's as it is in k8s/base; another version as k8s/canary does it: a Deployment more behind the same Service."""
    try:
        (item,) = (one for one in items if one["kind"] == "Deployment")
    except ValueError:
        raise RuntimeFailure("k8s/ has no such workload") from None
    name, template = item["metadata"]["name"], item["spec"]["template"]
    settings = dict(env)
    if version != "v1":
        item["metadata"]["name"] = f"{name}-{version}"
        for labels in (template["metadata"]["labels"], item["spec"]["selector"]["matchLabels"]):
            labels["version"] = version
        settings = {"VERSION": version} | settings
        item["spec"]["replicas"] = replicas
    (container,) = template["spec"]["containers"]
    own, first = manifest(name, version), manifest(name)
    container["image"] = container["image"].replace(first.image, own.image)  # registry and tag stay
    container["command"] = list(own.command)
    kept = [entry for entry in container["env"] if entry["name"] not in settings]
    container["env"] = kept + [{"name": key, "value": value} for key, value in settings.items()]
    template["metadata"].setdefault("annotations", {})[EXTRA] = json.dumps(dict(env), sort_keys=True)
    return item


def labelled(**labels: str) -> str:
    """A label selector of these labels."""
    return ",".join(f"{key}={value}" for key, value in labels.items())


def named(kind: str, name: str, namespace: str = NAMESPACE) -> str:
    """Path of a namespaced object of a kind whose place is known."""
    root = "/api/v1" if kind in ("pods", "secrets", "services", "configmaps") else "/apis/apps/v1"
    return f"{root}/namespaces/{namespace}/{kind}" + (f"/{name}" if name else "")


def condition(item: Any, kind: str) -> bool:
    """Whether the condition of that type holds for the object."""
    found = (c for c in item.get("status", {}).get("conditions", ()) if c["type"] == kind)
    return any(c["status"] == "True" for c in found)
