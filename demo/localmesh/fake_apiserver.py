"""As much of a Kubernetes API as istiod needs: two namespaces, and the kinds that it reads from no file.

It vouches for nobody: a TokenReview is always answered with "not authenticated", so that the signed tokens,
which istiod verifies itself, are the only way to a certificate.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass

from runtime.api import Object
from runtime.mesh_objects import GATEWAY_API, key
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

BUNDLE = "v1.6.0"  # istiod looks at no definition that is older than what it needs
ROUTING = {"Gateway": "gateways", "GRPCRoute": "grpcroutes", "HTTPRoute": "httproutes"}
KINDS = {
    "customresourcedefinitions": "CustomResourceDefinition",
    "configmaps": "ConfigMap",
    "endpointslices": "EndpointSlice",
    "ingressclasses": "IngressClass",
    "ingresses": "Ingress",
    "mutatingwebhookconfigurations": "MutatingWebhookConfiguration",
    "validatingwebhookconfigurations": "ValidatingWebhookConfiguration",
} | {plural: kind for kind, plural in ROUTING.items()}
CREATED = "2026-01-01T00:00:00Z"
METADATA_ONLY = "PartialObjectMetadata"


@dataclass(frozen=True, slots=True)
class Change:
    """One event of a watch."""

    type: str  # ADDED, MODIFIED, DELETED
    version: int
    item: Object


def serves(item: Object) -> bool:
    """Whether istiod takes objects of this kind from the API server, and from nowhere else."""
    group, _, _ = item["apiVersion"].rpartition("/")
    return (group, item["kind"]) in {(GATEWAY_API, kind) for kind in ROUTING} | {("", "Service")}


def _status(code: int, reason: str) -> JSONResponse:
    body = {
        "kind": "Status",
        "apiVersion": "v1",
        "status": "Failure",
        "reason": reason,
        "code": code,
        "message": reason,
    }
    return JSONResponse(body, code)


class FakeApiServer:
    """Lists and watches of what was put into it. Objects are kept in memory, for the life of the supervisor."""

    def __init__(self, namespaces: tuple[str, ...]) -> None:
        self._version = 0
        self._objects: dict[
            str, dict[str, Object]
        ] = {}  # by resource, such as gateways.gateway.networking.k8s.io
        self._changes: dict[str, list[Change]] = {}
        self._changed = asyncio.Event()
        for name in namespaces:
            labels = {"kubernetes.io/metadata.name": name}
            self._add("namespaces", name, {"metadata": {"name": name, "labels": labels}})
        for plural in ROUTING.values():
            name = f"{plural}.{GATEWAY_API}"
            notes = {f"{GATEWAY_API}/bundle-version": BUNDLE}
            definition = {"metadata": {"name": name, "annotations": notes}}
            self._add("customresourcedefinitions.apiextensions.k8s.io", name, definition)

    def put(self, item: Object) -> None:
        """Add or replace an object for which `serves` holds."""
        self._add(_resource(item), key(item), item)

    def discard(self, name: str) -> None:
        """Remove the object of that kind/namespace/name, if there is one."""
        for resource, items in self._objects.items():
            if item := items.pop(name, None):
                self._tell(resource, "DELETED", item)

    def objects(self) -> dict[str, Object]:
        """Everything that was put, by kind/namespace/name."""
        return {name: item for items in self._objects.values() for name, item in items.items() if "/" in name}

    def _add(self, resource: str, name: str, item: Object) -> None:
        items = self._objects.setdefault(resource, {})
        self._tell(resource, "MODIFIED" if name in items else "ADDED", item)
        items[name] = self._changes[resource][-1].item

    def _tell(self, resource: str, change: str, item: Object) -> None:
        self._version += 1
        fields = {"uid": item["metadata"]["name"], "creationTimestamp": CREATED}
        metadata = fields | item["metadata"] | {"resourceVersion": str(self._version)}
        changes = self._changes.setdefault(resource, [])
        changes.append(Change(change, self._version, {**item, "metadata": metadata}))
        self._changed.set()
        self._changed = asyncio.Event()

    def application(self, keys: Object, user_keys: Object) -> Starlette:
        async def jwks(_: Request) -> Response:
            return JSONResponse(dict(keys))

        async def users(_: Request) -> Response:
            return JSONResponse(dict(user_keys))

        async def version(_: Request) -> Response:
            return JSONResponse({"major": "1", "minor": "34", "gitVersion": "v1.34.0", "platform": "none"})

        methods = ["GET", "POST", "PUT", "PATCH", "DELETE"]
        return Starlette(
            routes=[
                Route("/jwks.json", jwks),
                Route("/users.json", users),
                Route("/version", version),
                Route("/api/{version}/{path:path}", self._api, methods=methods),
                Route("/apis/{group}/{version}/{path:path}", self._api, methods=methods),
            ]
        )

    async def _api(self, request: Request) -> Response:
        parts = request.path_params["path"].split("/")
        namespace = ""
        if parts[0] == "namespaces" and len(parts) > 2:
            namespace, parts = parts[1], parts[2:]
        if request.method == "POST":
            return self._review(parts[0], await request.json())
        if request.method != "GET":
            return JSONResponse(await request.json() if request.method != "DELETE" else {})
        group = request.path_params.get("group")
        resource = f"{parts[0]}.{group}" if group else parts[0]
        items = [
            item
            for item in self._objects.get(resource, {}).values()
            if not namespace or item["metadata"].get("namespace") == namespace
        ]
        if len(parts) > 1:
            found = [item for item in items if item["metadata"]["name"] == parts[1]]
            return (
                JSONResponse(self._add_type(request, parts[0], found[0]))
                if found
                else _status(404, "NotFound")
            )
        if request.query_params.get("watch") in ("true", "1"):
            return StreamingResponse(self._watch(request, parts[0], resource), media_type="application/json")
        partial = METADATA_ONLY in request.headers.get("accept", "")
        kind = METADATA_ONLY if partial else KINDS.get(parts[0], parts[0].rstrip("s").capitalize())
        head = {"kind": f"{kind}List", "apiVersion": self._api_version(request)}
        listed = [self._add_type(request, parts[0], item) for item in items]
        return JSONResponse(head | {"metadata": {"resourceVersion": str(self._version)}, "items": listed})

    @staticmethod
    def _review(resource: str, body: Object) -> Response:
        if resource == "tokenreviews":
            body["status"] = {"authenticated": False, "error": "this API vouches for nobody"}
        elif resource.endswith("accessreviews"):
            body["status"] = {"allowed": False}
        return JSONResponse(body, 201)

    @staticmethod
    def _api_version(request: Request) -> str:
        if METADATA_ONLY in request.headers.get("accept", ""):
            return "meta.k8s.io/v1"
        group = request.path_params.get("group")
        version: str = request.path_params["version"]
        return f"{group}/{version}" if group else version

    def _add_type(self, request: Request, plural: str, item: Object) -> Object:
        partial = METADATA_ONLY in request.headers.get("accept", "")
        kind = METADATA_ONLY if partial else KINDS.get(plural, plural.rstrip("s").capitalize())
        return item | {"kind": kind, "apiVersion": self._api_version(request)}

    async def _watch(self, request: Request, plural: str, resource: str) -> AsyncIterator[bytes]:
        """What there is, with a mark that this was all, if that is asked for; then each change after that version."""
        seen = int(request.query_params.get("resourceVersion") or self._version)
        if request.query_params.get("sendInitialEvents") == "true":
            seen = self._version
            for item in list(self._objects.get(resource, {}).values()):
                yield _event("ADDED", self._add_type(request, plural, item))
            mark = {"resourceVersion": str(seen), "annotations": {"k8s.io/initial-events-end": "true"}}
            yield _event("BOOKMARK", self._add_type(request, plural, {"metadata": mark}))
        while True:
            changed = self._changed
            for change in [one for one in self._changes.get(resource, ()) if one.version > seen]:
                seen = change.version
                yield _event(change.type, self._add_type(request, plural, change.item))
            await changed.wait()


def _resource(item: Object) -> str:
    group, _, _ = item["apiVersion"].rpartition("/")
    return f"{ROUTING[item['kind']]}.{group}" if group else "services"


def _event(kind: str, item: Object) -> bytes:
    return json.dumps({"type": kind, "object": item}).encode() + b"\n"
