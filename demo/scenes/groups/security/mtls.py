"""Who may talk to whom: certificates, and permission for each method."""

import asyncio

from scenes.engine import plaintext
from scenes.engine.scene import Scene
from scenes.engine.stage import ISTIO, Stage
from scenes.groups.routing import QUOTE

SERVICES = ("currency", "title", "pricing", "customer", "order")
HEALTH = "/grpc.health.v1.Health/Check"
STRICT = "mesh/peer-authentication.yaml"


async def mtls(stage: Stage) -> None:
    addresses = {name: await stage.runtime.workloads.address(name) for name in SERVICES}

    async def talking() -> int:
        heard = await asyncio.gather(*(plaintext.answers(a, HEALTH) for a in addresses.values()))
        return sum(answer is not None for answer in heard)

    await stage.runtime.mesh.delete([ISTIO / STRICT])
    before = await talking()
    stage.figure("answer plaintext without the policy", f"{before} of {len(SERVICES)}", "services")
    stage.expect(
        before == len(SERVICES), f"without the policy {before} of {len(SERVICES)} services answer plaintext"
    )
    await stage.apply(STRICT)
    after = await talking()
    stage.figure("answer plaintext with it", f"{after} of {len(SERVICES)}", "services")
    stage.expect(after == 0, f"with the policy {after} of {len(SERVICES)} services answer plaintext")
    for name, address in addresses.items():
        shown, talks = await plaintext.identity(address)
        stage.figure(f"certificate of {name}", shown)
        stage.expect(shown == f"spiffe://cluster.local/ns/figtree/sa/{name}", f"{name} proves to be {shown}")
        stage.expect(not talks, f"{name} does not talk to a caller over TLS who shows no certificate")
    quotes = await stage.burst("POST", "/api/quotes", 20, **QUOTE)
    stage.expect(quotes.good == 20, f"{quotes.good} of 20 requests of users are answered as before")


SCENES = (
    Scene(
        name="mtls",
        group="security",
        title="STRICT mutual TLS",
        says="Services prove who they are to each other; whoever has no certificate is not heard.",
        hypothesis="A call in plaintext is answered without the policy and refused with it, and every workload proves"
        " its own identity.",
        act=mtls,
        manifests=(STRICT,),
    ),
)
