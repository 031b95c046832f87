"""One effect said in several ways: by routes of the Gateway API, and by the VirtualService beside them."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from scenes.engine.counters import calls_to
from scenes.engine.stage import Stage
from scenes.groups.routing.quotes import ALL_TO_V1, beside_v1

VERSIONS = ("gateway-api/service-pricing-v1.yaml", "gateway-api/service-pricing-v2.yaml")


@dataclass(frozen=True, slots=True)
class Form:
    """One way to say the effect, in a file under istio/."""

    kind: str
    manifest: str

    def pricing(self, version: str) -> str:
        """The counter of a caller's sidecar for its calls to that version of pricing."""
        if self.kind == "VirtualService":
            return calls_to("pricing", version)
        return calls_to(f"pricing-{version}")


def forms(twin: str, *, http: str = "", grpc: str = "") -> tuple[Form, ...]:
    """The routes that can say it, and last their twin; each is a file under istio/."""
    routes = (Form("GRPCRoute", grpc), Form("HTTPRoute", http))
    return (*(route for route in routes if route.manifest), Form("VirtualService", twin))


def manifests(*groups: Sequence[Form]) -> tuple[str, ...]:
    """The files of the forms."""
    return tuple(form.manifest for group in groups for form in group)


@asynccontextmanager
async def in_force(stage: Stage, form: Form) -> AsyncIterator[None]:
    """That form alone inside the block. What the twin has replaced, and it comes last, the engine puts back."""
    await stage.apply(form.manifest)
    try:
        yield
    finally:
        if form.kind != "VirtualService":
            await asyncio.shield(stage.delete(form.manifest))


@asynccontextmanager
async def two_versions(stage: Stage) -> AsyncIterator[None]:
    """Pricing v2 beside v1, each with a Service of its own, and no rule that says who is called."""
    await stage.prepare(*VERSIONS)
    async with beside_v1(stage, {"RULESET": "v2"}):
        await stage.delete(ALL_TO_V1)  # a route and a VirtualService for one host do not add up
        yield
