"""What Kubernetes says has happened, in the runtime's words."""

from datetime import datetime

from runtime.api import Event
from runtime.cluster.api import Api
from runtime.manifests import NAMESPACE

KINDS = {"Started": "started", "Killing": "stopped", "BackOff": "exited", "Unhealthy": "failing"}


async def since(api: Api, sequence: int) -> list[Event]:
    """The resource version, which only grows, is the sequence."""
    found = []
    for item in await api.list(f"/api/v1/namespaces/{NAMESPACE}/events"):
        number, kind = int(item["metadata"]["resourceVersion"]), KINDS.get(item["reason"])
        if number > sequence and kind:
            at = item.get("lastTimestamp") or item.get("eventTime") or item["metadata"]["creationTimestamp"]
            seconds = datetime.fromisoformat(at).timestamp()
            found.append(Event(number, seconds, kind, item["involvedObject"]["name"], item["message"]))
    return sorted(found, key=lambda event: event.sequence)
