"""The same rules for a client that has no sidecar."""

import asyncio
import json
from pathlib import Path

from runtime.api import CommandFailed
from runtime.commands import run

from scenes.engine.stage import Stage
from scenes.groups.routing.quotes import V1, V2, beside_v1

COUNT = 300
PATIENCE = 60.0  # on a cluster a pod has to be started for it
CLIENT = Path(__file__).with_name("proxyless_client.py")
MUTUAL = "grpc/pricing-mutual.yaml"
CANARY = "canary/pricing-75-25.yaml"


async def proxyless(stage: Stage) -> None:
    async with beside_v1(stage, {"RULESET": "v2"}):
        await stage.prepare(MUTUAL)
        await stage.apply(CANARY)
        async with stage.counting("gateway", V1, V2) as sidecar:
            answered = await _client(stage)
        failed = {name: count for name, count in answered.items() if name not in ("v1", "v2")}
        v2 = answered.get("v2", 0)
        share = 100 * v2 / COUNT
        stage.figure("quotes to v1", answered.get("v1", 0), f"of {COUNT}")
        stage.figure("quotes to v2", v2, f"of {COUNT}")
        stage.expect(not failed, f"{sum(failed.values())} of {COUNT} quotes failed {failed or ''}".rstrip())
        # A fair quarter of 300 is outside of 45 to 108 less than once in 10,000 runs.
        stage.expect(45 <= v2 <= 108, f"the client itself sent {share:.0f} % to v2, expected 25 %")
        passed = sum(sidecar.values())
        stage.expect(passed == 0, f"{passed:.0f} of its calls went through a sidecar of the gateway")


async def _client(stage: Stage) -> dict[str, int]:
    try:
        async with asyncio.timeout(PATIENCE):
            client = await stage.runtime.mesh.proxyless("gateway", str(COUNT))
            output = await run(client, CLIENT.read_bytes())
    except TimeoutError:
        return {"the client hung": COUNT}
    except CommandFailed as error:
        return {str(error)[-500:]: COUNT}
    answered: dict[str, int] = json.loads(output)
    return answered
