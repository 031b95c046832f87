"""Pairs the answers of both sides to the same request and finds those that differ."""

import asyncio
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

import httpx
from runtime.api import Runtime

ORDERS = "/api/orders"
CUSTOMERS = 20
PATIENCE = 10.0  # seconds within which two sides come to answer alike
SIDE_HEADER = "x-figtree-side"  # the mirror's routes send a request that carries it to that side alone


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer as a proxy logged it: its digest stands for its content."""

    method: str
    path: str
    status: str
    digest: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """How many pairs of answers were compared, and how many differ."""

    pairs: int = 0
    mismatches: int = 0
    settled: int = 0  # differed at first, because the resource changed between the two reads, and then agreed
    examples: tuple[str, ...] = field(default_factory=tuple)


def parse(log: list[str], begun: float = 0) -> dict[str, Answer]:
    """The answers in a sidecar's log since then, by request id; streams have no digest and are left out."""
    answers = {}
    for line in log:
        if '"answer_to"' not in line:
            continue
        try:
            entry = json.loads(line[line.index("{") :])
        except ValueError:  # the log's first line may be cut
            continue
        if not entry.get("answer_to") or not entry.get("digest"):
            continue
        if datetime.fromisoformat(entry["at"]).timestamp() >= begun:
            answers[entry["answer_to"]] = Answer(
                entry["method"], entry["path"], str(entry["status"]), entry["digest"]
            )
    return answers


async def verdict(runtime: Runtime, prefixes: tuple[str, ...], begun: float, lines: int = 20_000) -> Verdict:
    """Compare what both sides have answered under the prefixes since `begun`, in seconds since the epoch."""
    monolith, gateway = [
        parse(await runtime.telemetry.logs(side, "proxy", lines), begun) for side in ("monolith", "gateway")
    ]
    async with httpx.AsyncClient(base_url=runtime.edge(), timeout=10, trust_env=False) as client:
        mirrored = await judge(client, pairs(monolith, gateway, prefixes))
        if not mirrored.pairs or ORDERS not in prefixes:
            return mirrored
        of_orders = await of_customers(client)
    return Verdict(
        mirrored.pairs + of_orders.pairs,
        mirrored.mismatches + of_orders.mismatches,
        mirrored.settled,
        (*mirrored.examples, *of_orders.examples),
    )


async def of_customers(client: httpx.AsyncClient) -> Verdict:
    """A path that names a customer is in no log, so both sides are asked here: about who has ordered last."""
    newest = (await client.get(ORDERS, params={"page_size": 100})).raise_for_status().json()["orders"]
    customers = dict.fromkeys(order["customer_id"] for order in newest)
    paths = [str(httpx.URL(ORDERS, params={"customer_id": one})) for one in [*customers][:CUSTOMERS]]
    agreed = await asyncio.gather(*(_agree(client, path) for path in paths))
    wrong = agreed.count(False)
    return Verdict(len(paths), wrong, examples=(f"GET {ORDERS} of {wrong} customers",) if wrong else ())


def pairs(
    monolith: Mapping[str, Answer], gateway: Mapping[str, Answer], prefixes: tuple[str, ...]
) -> list[tuple[Answer, Answer]]:
    """The answers of both sides to the same requests, below these prefixes."""
    return [
        (monolith[request], gateway[request])
        for request in monolith.keys() & gateway.keys()
        if monolith[request].path.startswith(prefixes)
    ]


async def judge(client: httpx.AsyncClient, paired: list[tuple[Answer, Answer]]) -> Verdict:
    """Compare the pairs. A GET that differs is repeated: its resource may have changed between the two reads."""
    differing = [(a, b) for a, b in paired if (a.status, a.digest) != (b.status, b.digest)]
    paths = sorted({a.path for a, _ in differing if a.method == "GET"})
    answers = await asyncio.gather(*(_agree(client, path) for path in paths))
    agreed = dict(zip(paths, answers, strict=True))
    left = [(a, b) for a, b in differing if not (a.method == "GET" and agreed[a.path])]
    examples = [f"{a.method} {a.path}: {a.status} {a.digest} ≠ {b.status} {b.digest}" for a, b in left]
    return Verdict(len(paired), len(left), len(differing) - len(left), tuple(examples[:5]))


async def _agree(client: httpx.AsyncClient, path: str) -> bool:
    """Whether both sides come to answer alike, at a moment when nothing changes between the two looks."""
    for _ in range(int(PATIENCE / 0.2)):
        answers = (client.get(path, headers={SIDE_HEADER: side}) for side in ("monolith", "gateway"))
        sides = await asyncio.gather(*answers)
        if len({(r.status_code, hashlib.sha256(r.content).digest()) for r in sides}) == 1:
            return True
        await asyncio.sleep(0.2)
    return False
