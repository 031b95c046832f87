"""As much of a Kubernetes API as istiod needs to start: lists and watches that know two namespaces and nothing else.

It vouches for nobody: a TokenReview is always answered with "not authenticated", so that the signed tokens,
which istiod verifies itself, are the only way to a certificate.
"""

import asyncio
import json
from collections.abc import AsyncIterator

from runtime.api import Object
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

KINDS = {
    "customresourcedefinitions": "CustomResourceDefinition",
    "configmaps": "ConfigMap",
    "endpointslices": "EndpointSlice",
    "ingressclasses": "IngressClass",
    "ingresses": "Ingress",
    "mutatingwebhookconfigurations": "MutatingWebhookConfiguration",
    "validatingwebhookconfigurations": "ValidatingWebhookConfiguration",
}
VERSION = "1"
METADATA_ONLY = "PartialObjectMetadata"


def _namespace(name: str) -> Object:
    return {
        "metadata": {
            "name": name,
            "uid": name,
            "resourceVersion": VERSION,
            "creationTimestamp": "2026-01-01T00:00:00Z",
            "labels": {"kubernetes.io/metadata.name": name},
        }
    }


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
    def __init__(self, namespaces: tuple[str, ...]) -> None:
        self._namespaces = [_namespace(name) for name in namespaces]

    def application(self, keys: Object, user_keys: Object) -> Starlette:
        async def jwks(_: Request) -> Response:
            return JSONResponse(dict(keys))

        async def users(_: Request) -> Response:
            return JSONResponse(dict(user_keys))

        async def version(_: Request) -> Response:
            return JSONResponse({"major": "1", "minor": "34", "gitVersion": "v1.34.0", "platform": "none"})

        return Starlette(
            routes=[
                Route("/jwks.json", jwks),
                Route("/users.json", users),
                Route("/version", version),
                Route(
                    "/api/{version}/{path:path}", self._api, methods=["GET", "POST", "PUT", "PATCH", "DELETE"]
                ),
                Route(
                    "/apis/{group}/{version}/{path:path}",
                    self._api,
                    methods=["GET", "POST", "PUT", "PATCH", "DELETE"],
                ),
            ]
        )

    async def _api(self, request: Request) -> Response:
        parts = request.path_params["path"].split("/")
        if parts[0] == "namespaces" and len(parts) > 2:
            parts = parts[2:]
        if request.method == "POST":
            return self._review(parts[0], await request.json())
        if request.method != "GET":
            return JSONResponse(await request.json() if request.method != "DELETE" else {})
        if len(parts) > 1:
            found = [o for o in self._of(parts[0]) if o["metadata"]["name"] == parts[1]]
            return (
                JSONResponse(self._add_type(request, parts[0], found[0]))
                if found
                else _status(404, "NotFound")
            )
        if request.query_params.get("watch") in ("true", "1"):
            return StreamingResponse(self._watch(request, parts[0]), media_type="application/json")
        partial = METADATA_ONLY in request.headers.get("accept", "")
        kind = METADATA_ONLY if partial else KINDS.get(parts[0], parts[0].rstrip("s").capitalize())
        items = [self._add_type(request, parts[0], item) for item in self._of(parts[0])]
        head = {"kind": f"{kind}List", "apiVersion": self._api_version(request)}
        return JSONResponse(head | {"metadata": {"resourceVersion": VERSION}, "items": items})

    @staticmethod
    def _review(resource: str, body: Object) -> Response:
        if resource == "tokenreviews":
            body["status"] = {"authenticated": False, "error": "this API vouches for nobody"}
        elif resource.endswith("accessreviews"):
            body["status"] = {"allowed": False}
        return JSONResponse(body, 201)

    def _of(self, resource: str) -> list[Object]:
        return self._namespaces if resource == "namespaces" else []

    @staticmethod
    def _api_version(request: Request) -> str:
        if METADATA_ONLY in request.headers.get("accept", ""):
            return "meta.k8s.io/v1"
        group = request.path_params.get("group")
        version: str = request.path_params["version"]
        return f"{group}/{version}" if group else version

    def _add_type(self, request: Request, resource: str, item: Object) -> Object:
        partial = METADATA_ONLY in request.headers.get("accept", "")
        kind = METADATA_ONLY if partial else KINDS.get(resource, resource.rstrip("s").capitalize())
        return {"kind": kind, "apiVersion": self._api_version(request)} | item

    async def _watch(self, request: Request, resource: str) -> AsyncIterator[bytes]:
        """Nothing ever changes: what there is, a mark that this was all, then silence."""
        if request.query_params.get("sendInitialEvents") == "true":
            for item in self._of(resource):
                yield _event("ADDED", self._add_type(request, resource, item))
            mark = {"resourceVersion": VERSION, "annotations": {"k8s.io/initial-events-end": "true"}}
            yield _event("BOOKMARK", self._add_type(request, resource, {"metadata": mark}))
        await asyncio.Event().wait()


def _event(kind: str, item: Object) -> bytes:
    return json.dumps({"type": kind, "object": item}).encode() + b"\n"
