"""How long a title search takes in a large catalogue, by the monolith and by the title service behind the gateway."""

import time
from statistics import median

import httpx
from localmesh import LocalRuntime

# What a query is good for: of its hits among 100,000 generated titles, few, some and half of the catalogue.
QUERIES = (
    "wuthering",
    "emily bronte",
    "salt lighthouse",
    "tomas silva",
    "the silent river",
    "the",
    "979-0-00-050001-3",
    "nothing like it",
)
EDGES = ("monolith", "gateway")


async def searches(runtime: LocalRuntime, times: int) -> list[tuple[str, int, list[list[float]]]]:
    """For each query: the hits of its first page, and the milliseconds of its repetitions at each edge."""
    found = []
    async with httpx.AsyncClient(trust_env=False, timeout=30) as client:
        bases = [f"http://{await runtime.workloads.address(edge)}" for edge in EDGES]
        for query in QUERIES:
            milliseconds: list[list[float]] = [[] for _ in EDGES]
            for _ in range(times):
                for base, one in zip(bases, milliseconds, strict=True):
                    begun = time.perf_counter()
                    answer = await client.get(f"{base}/api/titles", params={"query": query})
                    one.append(1000 * (time.perf_counter() - begun))
            found.append((query, len(answer.raise_for_status().json()["titles"]), milliseconds))
    return found


def table(found: list[tuple[str, int, list[list[float]]]]) -> str:
    """Median and longest time, as a Markdown table."""
    lines = [
        "| query | titles on the first page | "
        + " | ".join(f"{edge}, ms: median | longest" for edge in EDGES)
        + " |",
        "| --- | ---: |" + " ---: | ---: |" * len(EDGES),
    ]
    for query, hits, milliseconds in found:
        figures = " | ".join(f"{median(one):.1f} | {max(one):.1f}" for one in milliseconds)
        lines.append(f"| `{query}` | {hits} | {figures} |")
    return "\n".join(lines)
