"""Moves quotes from pricing v1 to v2 while somebody watches: `python -m tests.page.canary NAME`.

Puts a share into force, prints it, and goes on with the next one when a line comes. Leaves the mesh as it was.
"""

import asyncio
import sys

from localmesh import LocalRuntime
from runtime.manifests import ROOT

ISTIO = ROOT / "istio"
SUBSETS, ALL_TO_V1 = ISTIO / "traffic/pricing-subsets.yaml", ISTIO / "traffic/pricing-v1.yaml"
SHARES = {
    0: ALL_TO_V1,
    10: ISTIO / "canary/pricing-90-10.yaml",
    50: ISTIO / "canary/pricing-50-50.yaml",
    100: ISTIO / "canary/pricing-v2.yaml",
}


async def promote(name: str) -> None:
    """0, 10, 50, then 100 % of the quotes to v2."""
    runtime = await LocalRuntime.connect(name)
    await runtime.mesh.apply([SUBSETS, ALL_TO_V1])
    try:
        await runtime.workloads.start("pricing", version="v2", env={"RULESET": "v2"})
        for share, manifest in SHARES.items():
            await runtime.mesh.apply([manifest])
            sys.stdout.write(f"{share}\n")
            sys.stdout.flush()
            await asyncio.to_thread(sys.stdin.readline)
    finally:
        await runtime.mesh.apply([ALL_TO_V1])
        await runtime.workloads.stop("pricing", version="v2")
        # A route goes before the subsets that it names, so that at no moment it leads to nowhere.
        await runtime.mesh.delete([ALL_TO_V1])
        await runtime.mesh.delete([SUBSETS])


if __name__ == "__main__":
    asyncio.run(promote(sys.argv[1]))
