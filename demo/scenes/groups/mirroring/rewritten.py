"""Currency in another language: compared in the shadow of the Python one, then users are moved there and back."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from figtree.currency.v1 import currency_pb2 as pb
from figtree.currency.v1.currency_pb2_grpc import CurrencyServiceStub
from figtree.money.v1.money_pb2 import Money
from runtime.calls import channel, status_of

from scenes.engine.chance import spread
from scenes.engine.counters import calls_to
from scenes.engine.stage import Stage
from scenes.groups.mirroring.comparator import Paired, compare
from scenes.groups.routing.header import STAGING

SUBSETS = "traffic/currency-subsets.yaml"
ALL_TO_PYTHON = "traffic/currency-v1.yaml"
MIRROR = "mirror/currency-go.yaml"
ALL_TO_GO = "canary/currency-go.yaml"
STEPS = ((10, "canary/currency-90-10.yaml"), (50, "canary/currency-50-50.yaml"), (100, ALL_TO_GO))
NAMES = {"v1": "Python", "go": "Go"}
SENT = {version: calls_to("currency", version) for version in NAMES}
PATHS = [  # cents in, and rates that leave a rest to be rounded
    "/api/rates",
    *(
        f"/api/convert?amount={amount}&from={source}&to={target}"
        for source, target in (("EUR", "USD"), ("GBP", "SEK"), ("USD", "JPY"), ("CHF", "EUR"))
        for amount in ("0.99", "12.34", "7777.77")
    ),
]
EACH = 3  # requests for each path under a mirror
PER_STEP = 12  # and under a share of the traffic
CONVERSIONS = 200  # in one call
AT_ONCE = 6
SECONDS = 2.0  # of load on each implementation


async def rewritten(stage: Stage) -> None:
    await stage.prepare(SUBSETS)
    await stage.prepare(ALL_TO_PYTHON)
    right = await _asked(stage, 1)
    async with _beside_python(stage, {"ROUNDING": "down"}):
        await _found(stage, await _mirrored(stage, "a planted fault", right), right)
    async with _beside_python(stage, {}):
        paired = await _mirrored(stage, "Go", right)
        stage.expect(not paired.mismatches, f"{len(paired.mismatches)} of {len(paired)} answers of Go differ")
        for share, manifest in STEPS:
            await stage.apply(manifest)
            await _shared(stage, share, right)
        go = await _loaded(stage, "go")
        await stage.apply(ALL_TO_PYTHON)
        await _shared(stage, 0, right)
    python = await _loaded(stage, "v1")
    stage.expect(go < python, f"for 1,000 conversions Go needs {go:.1f} ms of CPU, Python {python:.1f} ms")


@asynccontextmanager
async def _beside_python(stage: Stage, env: Mapping[str, str]) -> AsyncIterator[None]:
    """The implementation in Go runs inside the block; when it goes, nobody is being sent to it any more."""
    async with stage.variant("currency", "go", env):
        try:
            yield
        finally:
            await asyncio.shield(stage.prepare(ALL_TO_PYTHON))


async def _asked(stage: Stage, each: int) -> dict[str, bytes]:
    """Each path so many times; the one answer that each of them gets."""
    bursts = await asyncio.gather(*(stage.burst("GET", path, each, 1) for path in PATHS))
    good, different = sum(one.good for one in bursts), sum(len(one.bodies) - 1 for one in bursts)
    count = each * len(PATHS)
    stage.expect(
        good == count and not different, f"{good} of {count} requests were answered, {different} in two ways"
    )
    return {path: next(iter(one.bodies)) for path, one in zip(PATHS, bursts, strict=True)}


async def _mirrored(stage: Stage, name: str, right: Mapping[str, bytes]) -> Paired:
    """Python's answers under the mirror, each with the shadow's answer to the same request."""
    await stage.apply(MIRROR)
    begun, count = time.time(), EACH * len(PATHS)
    copies = await stage.counted("gateway", SENT["go"])
    stage.expect(await _asked(stage, EACH) == right, "the mirror changes none of the users' answers")

    async def all_copied() -> bool:
        return await stage.counted("gateway", SENT["go"]) - copies == count

    async def all_paired() -> Paired:
        paired = await compare(stage.runtime, "currency", "go", begun)
        return paired if len(paired) == count else Paired()

    await stage.eventually(f"Go got a copy of each of {count} calls", all_copied)
    paired = await stage.eventually(f"{count} answers found the shadow's to the same call", all_paired, 20)
    stage.figure(f"answers that differ, {name}", f"{len(paired.mismatches)} of {len(paired)}")
    for verdict, found in (("same", paired.matches), ("different", paired.mismatches)):
        await stage.runtime.telemetry.report(
            "figtree_mirror_answers_total", len(found), subject="currency-go", verdict=verdict
        )
    return paired


async def _found(stage: Stage, paired: Paired, right: Mapping[str, bytes]) -> None:
    """The comparison finds what rounds down, and one who asks the shadow by name sees which amounts."""
    stage.expect(
        0 < len(paired.mismatches) < len(paired),
        f"the mirror finds the planted fault: {len(paired.mismatches)} of {len(paired)} answers differ",
    )
    for path in PATHS:
        answer = await stage.client.get(path, headers=STAGING)
        if answer.content != right[path]:
            stage.figure("a wrong answer of it", f"{path}: {answer.json()['result']['amount']}")
            return
    stage.expect(False, "no answer of the planted fault is wrong")


async def _shared(stage: Stage, share: int, right: Mapping[str, bytes]) -> None:
    """Go gets that share of the calls, and nobody's answer changes."""
    async with stage.counting("gateway", *SENT.values()) as grown:
        stage.expect(await _asked(stage, PER_STEP) == right, f"with {share} % to Go all answers are the same")
    python, go = (grown[name] for name in SENT.values())
    count, part = PER_STEP * len(PATHS), share / 100
    stage.figure(f"calls to Go at {share} %", f"{go:.0f} of {count}")
    stage.expect(
        python + go == count and abs(go - count * part) <= spread(count, part) and bool(go) == bool(share),
        f"at {share} % Go answered {go:.0f} of {count} calls, Python {python:.0f}",
    )


async def _loaded(stage: Stage, version: str) -> float:
    """Throughput, CPU and memory of the implementation that gets all calls; its milliseconds for 1,000 conversions."""
    amounts = (Money(currency_code="EUR", units=n, nanos=990_000_000) for n in range(CONVERSIONS))
    request = pb.BatchConvertRequest(
        conversions=[pb.ConvertRequest(amount=amount, to_currency_code="USD") for amount in amounts]
    )
    done = failed = 0
    async with channel(stage.runtime, "gateway", "currency") as opened:
        stub = CurrencyServiceStub(opened)
        await stub.BatchConvert(request)
        before = await stage.runtime.telemetry.usage("currency", version)
        begun = time.monotonic()

        async def ask() -> None:
            nonlocal done, failed
            while time.monotonic() < begun + SECONDS:
                ended = await status_of(stub.BatchConvert(request))
                done, failed = done + CONVERSIONS, failed + (ended.name != "OK")

        await asyncio.gather(*(ask() for _ in range(AT_ONCE)))
        took = time.monotonic() - begun
        after = await stage.runtime.telemetry.usage("currency", version)
    stage.expect(not failed, f"{failed} calls of the load on {NAMES[version]} failed")
    milliseconds = 1000 * (after.cpu - before.cpu) / (done / 1000)
    stage.figure(f"throughput, {NAMES[version]}", f"{done / took:,.0f}", "conversions/s")
    stage.figure(f"CPU for 1,000 conversions, {NAMES[version]}", milliseconds, "ms")
    stage.figure(f"memory under this load, {NAMES[version]}", f"{after.memory / 2**20:.0f}", "MiB")
    return milliseconds
