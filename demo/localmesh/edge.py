"""The edge where the ingress gateway does not listen itself: outside a private network, and where there is no mesh."""

import contextlib
import socket
from collections.abc import AsyncIterator

from localmesh.fleet import Fleet
from localmesh.instance import Instance
from localmesh.relay import always, relayed

ENTRANCES = ("monolith", "gateway")


@contextlib.asynccontextmanager
async def serving_edge(instance: Instance, fleet: Fleet) -> AsyncIterator[None]:
    """Inside the block. Without a mesh a new connection goes to the monolith while it serves, else to the gateway."""

    async def entrance() -> str | None:
        for workload in ENTRANCES:
            if any(replica.state == "ready" for replica in fleet.replicas(workload)):
                return await fleet.address(workload)
        return None

    find = always(f"127.0.0.1:{instance.edge_port}") if instance.mesh else entrance
    async with contextlib.AsyncExitStack() as closing:
        if instance.edge_listener is not None:
            await closing.enter_async_context(relayed(instance.edge_listener, find))
        if instance.private and not instance.mesh:
            inside = socket.create_server(("127.0.0.1", instance.edge_port))
            await closing.enter_async_context(relayed(inside, find))
        yield
