"""Resilience in every client, or once in the mesh, or, by mistake, in both."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from runtime.calls import Calls, outbound

from scenes.engine.scene import Scene
from scenes.engine.stage import Stage
from scenes.groups.fallacies.reliable import CALLER, FLAKY, NONE, RETRIES, quotes

DOWN = "chaos/pricing-unavailable-100.yaml"
CALLS = 200
FEW = 20
ATTEMPTS = 4  # the first one and three more, in the library and in the mesh
SERVICE_CONFIG = """{
  "methodConfig": [{
    "name": [{"service": "figtree.pricing.v1.PricingService"}],
    "retryPolicy": {
      "maxAttempts": 4,
      "initialBackoff": "0.01s",
      "maxBackoff": "0.1s",
      "backoffMultiplier": 2,
      "retryableStatusCodes": ["UNAVAILABLE"]
    }
  }]
}"""
LIBRARY = (("grpc.enable_retries", 1), ("grpc.service_config", json.dumps(json.loads(SERVICE_CONFIG))))
SENT = outbound("pricing", "upstream_rq_total")


@dataclass(frozen=True, slots=True)
class Outcome:
    calls: Calls
    sent: int  # requests that went out to pricing for them

    @property
    def per_call(self) -> float:
        return self.sent / self.calls.count


async def _try_calls(
    stage: Stage, name: str, count: int, options: Sequence[tuple[str, object]] = ()
) -> Outcome:
    async with stage.counting(CALLER, SENT) as grown:
        calls = await quotes(stage, count, options)
    outcome = Outcome(calls, round(grown[SENT]))
    stage.figure(f"{name}: failed", f"{calls.failed} of {count}", "calls")
    stage.figure(f"{name}: sent to pricing", f"{outcome.per_call:.2f}", "requests per call")
    return outcome


def _lines(text: str) -> int:
    return sum(bool(line.strip()) and not line.lstrip().startswith("#") for line in text.splitlines())


async def library(stage: Stage) -> None:
    await stage.prepare(NONE, FLAKY)
    none = await _try_calls(stage, "no resilience", CALLS)
    in_library = await _try_calls(stage, "in the library", CALLS, LIBRARY)
    await stage.apply(RETRIES)
    in_mesh = await _try_calls(stage, "in the mesh", CALLS)
    await stage.prepare(DOWN)  # in the place of FLAKY: nothing gets through any more
    both = await _try_calls(stage, "in both, during an outage", FEW, LIBRARY)
    stage.figure("the library needs", _lines(SERVICE_CONFIG), "lines in each client, in each language")
    stage.figure("the mesh needs", _lines(stage.file(RETRIES).read_text()), "lines of YAML, once")
    # Of 200 calls that fail with 30 % each, fewer than 33 fail once in 50,000 runs; with 0.8 % more than 9 in 100,000.
    stage.expect(none.calls.failed >= 33, f"without resilience {none.calls.failed} of {CALLS} calls fail")
    stage.expect(none.sent == CALLS, f"and each is sent once: {none.sent} requests")
    for place, outcome in (("library", in_library), ("mesh", in_mesh)):
        failed = outcome.calls.failed
        stage.expect(failed <= 9, f"with retries in the {place} {failed} of {CALLS} calls fail")
        stage.expect(outcome.sent > CALLS, f"which costs {outcome.per_call:.2f} requests per call")
    stage.expect(
        both.calls.failed == FEW, f"in an outage {both.calls.failed} of {FEW} calls fail all the same"
    )
    stage.expect(
        both.sent == FEW * ATTEMPTS * ATTEMPTS,
        f"if both repeat, one call becomes {both.per_call:g} requests, {ATTEMPTS} times {ATTEMPTS}",
    )


SCENES = (
    Scene(
        name="library-or-mesh",
        group="library",
        title="Resilience in a library or in the mesh",
        says="A library repeats calls in each client and each language; the mesh does it once for all. Never let both.",
        hypothesis="Of calls to a callee that fails 30 %, library and mesh rescue the same share; if both repeat, one"
        " call becomes sixteen.",
        act=library,
        manifests=(NONE, FLAKY, RETRIES, DOWN),
    ),
)
