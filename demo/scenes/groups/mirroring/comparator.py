"""Pairs the answers of both sides of a mirror by request id, from what their sidecars have logged."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from runtime.api import Runtime
from strangler.mirror import Answer, parse

LINES = 5_000


@dataclass(frozen=True, slots=True)
class Paired:
    """The request ids of the pairs."""

    matches: list[str] = field(default_factory=list)
    mismatches: list[str] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.matches) + len(self.mismatches)


async def compare(runtime: Runtime, workload: str, shadow: str, begun: float) -> Paired:
    """What both have answered since `begun`, in seconds since the epoch.

    `workload` and `workload-shadow` are the names under which the mesh knows the two.
    """
    log = await runtime.telemetry.logs(workload, "proxy", LINES)
    real, mirrored = _of(log, workload, begun), _of(log, f"{workload}-{shadow}", begun)
    paired = Paired()
    for request in sorted(real.keys() & mirrored.keys()):
        same = (real[request].status, real[request].digest) == (
            mirrored[request].status,
            mirrored[request].digest,
        )
        (paired.matches if same else paired.mismatches).append(request)
    return paired


def _of(log: list[str], workload: str, begun: float) -> Mapping[str, Answer]:
    return parse([line for line in log if f'"workload":"{workload}"' in line], begun)
