"""The Kubernetes API, as much of it as the runtime uses."""

import asyncio
import json
from collections.abc import Mapping
from typing import Any

import httpx
import yaml

from runtime.api import Object, Refused, RuntimeFailure
from runtime.cluster.kubectl import Kubectl

MANAGER = "figtree"
CORE = "/api/v1"
APPS = "/apis/apps/v1"
INVALID = (400, 403, 409, 422)
NO_SCHEMA = (
    "failed to create typed patch object"  # a mistyped field in a server-side apply is told as an error 500
)


class NotThere(RuntimeFailure):
    """The API server has no such object."""


class Api:
    """A client of the Kubernetes API server, through `kubectl proxy`."""

    def __init__(self, kubectl: Kubectl) -> None:
        self.kubectl = kubectl
        self._client: httpx.AsyncClient | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._resources: dict[str, dict[str, Object]] = {}

    def _http(self) -> httpx.AsyncClient:
        """One client for each event loop: a command of ours has one, a test may have several."""
        loop = asyncio.get_running_loop()
        if self._client is None or self._loop is not loop:
            transport = httpx.AsyncHTTPTransport(uds=self.kubectl.socket())
            self._client = httpx.AsyncClient(transport=transport, base_url="http://localhost", timeout=30)
            self._loop = loop
        return self._client

    async def close(self) -> None:
        """Close the HTTP client; the next request opens another one."""
        if self._client is not None:
            await self._client.aclose()
            self._client = None

    async def request(self, method: str, path: str, **arguments: Any) -> httpx.Response:
        """The successful response. Raises NotThere on 404, Refused if the object is invalid, else RuntimeFailure."""
        try:
            answer = await self._http().request(method, path, **arguments)
        except httpx.TransportError as error:
            raise RuntimeFailure(
                f"the API server does not answer: {error or type(error).__name__}"
            ) from error
        if answer.is_success:
            return answer
        message = _message(answer)
        if answer.status_code == 404:
            raise NotThere(message)
        if answer.status_code in INVALID or NO_SCHEMA in message:
            raise Refused(message)
        raise RuntimeFailure(message)

    async def get(self, path: str, **query: str | int) -> Any:
        """The decoded JSON of the path. Raises as `request` does."""
        return (await self.request("GET", path, params=query)).json()

    async def find(self, path: str) -> Object | None:
        """The object, or None if it does not exist."""
        try:
            found: Object = await self.get(path)
        except NotThere:
            return None
        return found

    async def list(self, path: str, **query: str) -> list[Object]:
        """The items of a collection."""
        items: list[Object] = (await self.get(path, **query))["items"]
        return items

    async def patch(self, path: str, change: Mapping[str, Any]) -> None:
        """Merge the change into an object."""
        kind = {"content-type": "application/merge-patch+json"}
        await self.request("PATCH", path, content=json.dumps(change), headers=kind)

    async def delete(self, path: str, **query: str | int) -> None:
        """Nothing happens if it is not there."""
        try:
            await self.request("DELETE", path, params=query)
        except NotThere:
            return

    async def apply(self, item: Object) -> None:
        """Server-side: what we say of the object is so, what others say of it stays."""
        query = {"fieldManager": MANAGER, "force": "true", "fieldValidation": "Strict"}
        kind = {"content-type": "application/apply-patch+yaml"}
        await self.request(
            "PATCH", await self.path(item), params=query, content=yaml.safe_dump(item), headers=kind
        )

    async def put(self, item: Object, *, dry_run: bool = False) -> None:
        """The object is exactly this, whoever made what was there before."""
        path = await self.path(item)
        query = {"fieldManager": MANAGER, "fieldValidation": "Strict"} | (
            {"dryRun": "All"} if dry_run else {}
        )
        there = await self.find(path)
        if there is None:
            await self.request("POST", path.rpartition("/")[0], params=query, json=item)
        else:
            metadata = {**item["metadata"], "resourceVersion": there["metadata"]["resourceVersion"]}
            await self.request("PUT", path, params=query, json={**item, "metadata": metadata})

    async def path(self, item: Object) -> str:
        """Where the API server has that object."""
        version, kind, metadata = item["apiVersion"], item["kind"], item["metadata"]
        resource = (await self._kinds(version)).get(kind)
        if resource is None:
            raise Refused(f"the cluster knows no {kind} of {version}")
        place = f"/namespaces/{metadata['namespace']}" if resource["namespaced"] else ""
        return f"{_root(version)}{place}/{resource['name']}/{metadata['name']}"

    async def _kinds(self, version: str) -> dict[str, Object]:
        if version not in self._resources:
            try:
                content = await self.get(_root(version))
            except NotThere:
                raise Refused(f"the cluster knows no {version}") from None
            self._resources[version] = {
                resource["kind"]: resource for resource in content["resources"] if "/" not in resource["name"]
            }
        return self._resources[version]


def _root(version: str) -> str:
    return f"/apis/{version}" if "/" in version else f"/api/{version}"


def _message(answer: httpx.Response) -> str:
    try:
        return str(answer.json()["message"])
    except (ValueError, KeyError, TypeError):
        return f"{answer.request.method} {answer.request.url.path}: {answer.status_code} {answer.text[:300]}"
