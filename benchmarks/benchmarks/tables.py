"""What was measured, as tables."""

from collections.abc import Iterator, Sequence
from statistics import median
from typing import Any

YARDSTICK = "plain"
NAMES = {
    "pgbench-place": "pgbench: the SQL of placing an order",
    "pgbench-life": "pgbench: all SQL of an order until it is shipped",
    "plain": "plain SQLAlchemy-ORM FastAPI monolith",
    "monolith": "the monolith",
    "services": "six services, no mesh",
    "mesh": "six services, STRICT mTLS sidecars",
}
Rounds = Sequence[dict[str, Any]]


def middle(rounds: Rounds, figure: str) -> float:
    return float(median(one.get(figure, 0) for one in rounds))


def spread(rounds: Rounds, figure: str = "rate") -> float:
    """Half the range, in percent of the median."""
    values = [one[figure] for one in rounds]
    return float(50 * (max(values) - min(values)) / max(1e-9, median(values)))


def cpu(rounds: Rounds) -> float:
    """Milliseconds of all processes but the clients."""
    return float(median(sum(v for k, v in one["cpu_ms"].items() if k != "(client)") for one in rounds))


def _table(head: Sequence[str], lines: Sequence[Sequence[object]]) -> str:
    rule = ["---", *("---:" for _ in head[1:])]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in (head, rule, *lines))


def page(results: dict[str, Any]) -> str:
    return "\n\n".join(part for part in _parts(results) if part) + "\n"


def _parts(results: dict[str, Any]) -> Iterator[str]:
    machine = results.get("machine", {})
    yield "# Measured\n\n" + ", ".join(f"{name} {value}" for name, value in machine.items())
    for clients, entry in _by_clients(results.get("orders", {})):
        yield f"## {clients} client{'s' if clients != '1' else ''}\n\n{_of(entry)}\n\n{orders(entry['rounds'])}"
        yield processes(entry["rounds"])
    titles = {
        "shapes": "Shapes of the journey",
        "telemetry": "The mesh, by the share of the requests that is traced, and without it",
        "stored": "Orders stored already (100,000 titles)",
        "replicas": "Replicas of order and gateway",
    }
    for part, title in titles.items():
        for clients, entry in _by_clients(results.get(part, {})):
            yield f"## {title}, {clients} clients\n\n{_of(entry)}\n\n{plain(entry['rounds'])}"
    for key, entry in results.get("reads", {}).items():
        yield f"## Reads: {key} clients\n\n{_of(entry)}\n\n{orders(entry['rounds'])}"
    for entry in results.get("calls", {}).values():
        lines = [
            (n, f"{middle(r, 'p50'):.2f}", f"{middle(r, 'p99'):.2f}") for n, r in entry["rounds"].items()
        ]
        yield f"## A call that does nothing\n\n{_of(entry)}\n\n" + _table(("", "p50 ms", "p99 ms"), lines)
    for entry in results.get("library", {}).values():
        yield f"## A library in each client, or the mesh once\n\n{_of(entry)}\n\n{library(entry['rounds'])}"
    for entry in results.get("footprint", {}).values():
        yield f"## Start and footprint\n\n{_of(entry)}\n\n{footprint(entry['rounds'])}"
    for entry in results.get("overload", {}).values():
        yield f"## Overload\n\n{_of(entry)}\n\n{_overload(entry['rounds'])}"
    for entry in results.get("soak", {}).values():
        yield f"## Endurance\n\n{_of(entry)}\n\n{_soak(entry['rounds'])}"


def _by_clients(entries: dict[str, Any]) -> list[tuple[str, Any]]:
    return sorted(entries.items(), key=lambda item: int(item[0]))


def _of(entry: dict[str, Any]) -> str:
    return f"{entry['at'][:16].replace('T', ' ')} UTC, commit {entry['commit']}"


def orders(rounds: dict[str, Rounds]) -> str:
    yardstick = rounds.get(YARDSTICK)
    lines = []
    for name, of in rounds.items():
        times = f"{middle(of, 'rate') / middle(yardstick, 'rate'):.2f}" if yardstick else ""
        lines.append(
            (
                NAMES.get(name, name),
                f"{middle(of, 'rate'):,.0f}",
                f"± {spread(of):.0f} %",
                times,
                f"{middle(of, 'p50'):.1f}",
                f"{middle(of, 'p99'):.1f}" if "p99" in of[0] else "",
                f"{cpu(of):.2f}",
                f"{sum(middle_of(of, 'pss_mib').values()):,.0f}",
                f"{middle(of, 'wal_bytes'):,.0f}",
                round(sum(one["failed"] for one in of)),
            )
        )
    head = (
        "",
        "orders/s",
        "spread",
        "× plain",
        "p50 ms",
        "p99 ms",
        "CPU ms/order",
        "PSS MiB",
        "WAL bytes/order",
        "failed",
    )
    return _table(head, lines)


def middle_of(rounds: Rounds, figure: str) -> dict[str, float]:
    names = sorted({name for one in rounds for name in one[figure]})
    return {name: float(median(one[figure].get(name, 0) for one in rounds)) for name in names}


def processes(rounds: dict[str, Rounds]) -> str:
    """CPU of an order by process, of what has any."""
    found = {name: middle_of(of, "cpu_ms") for name, of in rounds.items()}
    names = sorted({n for of in found.values() for n, ms in of.items() if ms >= 0.01})
    lines = [
        (n, *(f"{of.get(n, 0):.2f}" if of.get(n, 0) >= 0.005 else "" for of in found.values())) for n in names
    ]
    return _table(("CPU ms/order", *found), lines)


def plain(rounds: dict[str, Rounds]) -> str:
    lines = [
        (
            name,
            f"{middle(of, 'rate'):,.0f}",
            f"± {spread(of):.0f} %",
            f"{middle(of, 'p50'):.1f}",
            f"{middle(of, 'p99'):.1f}",
            f"{cpu(of):.2f}",
            round(sum(one["failed"] for one in of)),
            *([f"{middle(of, 'page_ms'):.1f}"] if "page_ms" in of[0] else []),
        )
        for name, of in rounds.items()
    ]
    head = ["", "orders/s", "spread", "p50 ms", "p99 ms", "CPU ms/order", "failed"]
    return _table([*head, "page of 20, ms"] if len(lines[0]) > len(head) else head, lines)


TASKS = {
    "discovery": "discovery",
    "balancing": "balancing per call",
    "retries": "retries",
    "breaker": "breaker",
    "tracing": "tracing of every call",
    "mtls": "mTLS",
}


def library(seen: dict[str, Any]) -> str:
    """Lines, effect and cost of each task on both sides: CPU of client, proxies and callee, beyond that of a call
    without the task."""
    cost, effects = seen["cost"], seen["effects"]

    def more(side: str, nothing: str) -> str:
        if side not in cost:
            return ""
        return f"{middle(cost[side], 'us') - middle(cost[nothing], 'us'):+,.0f}"

    lines = []
    for task, name in TASKS.items():
        code, yaml = seen["lines"][task]
        lines.append(
            (name, code, yaml or "none", more(f"library: {task}", "nothing"), more(f"mesh: {task}", "mesh"))
        )
    sums = (sum(of[side] for of in seen["lines"].values()) for side in (0, 1))
    lines.append(
        ("all of them", *sums, more("library: all", "nothing"), more("mesh: tracing", "the service"))
    )
    costs = [
        (
            name,
            f"{middle(rounds, 'us'):,.0f}",
            f"{middle(rounds, 'p50'):.2f}",
            sum(one["failed"] for one in rounds),
        )
        for name, rounds in cost.items()
    ]
    found = [
        ("calls to the busier of two instances, %", *_effects(effects["balancing"])),
        ("calls that fail while one of two instances is sick, %", *_effects(effects["breaker"])),
        (
            "seconds until a new instance gets its first call",
            "never",
            "another process",
            effects["discovery"]["mesh"],
        ),
        (
            "seconds until a changed rule is in force",
            "",
            "another process",
            effects["breaker"]["seconds to apply"],
        ),
    ]
    return "\n\n".join(
        (
            _table(
                (
                    "task",
                    "lines in each client",
                    "lines of YAML",
                    "library, µs CPU/call",
                    "mesh, µs CPU/call",
                ),
                lines,
            ),
            _table(("what is seen", "nothing", "library", "mesh"), found),
            _table(("one call", "µs CPU", "p50 ms", "failed"), costs),
        )
    )


def _effects(seen: dict[str, float]) -> tuple[float, float, float]:
    return seen["without"], seen["library"], seen["mesh"]


def footprint(seen: dict[str, Any]) -> str:
    up, first = (median(one[figure] for one in seen["starts"]) for figure in ("up", "first_order"))
    memory, idle = seen["pss_mib"], seen["idle_percent"]
    lines = [
        (name, f"{memory[name]:.0f}", f"{idle.get(name, 0):.1f}")
        for name in sorted(memory, key=memory.__getitem__, reverse=True)
    ]
    total = ("**all**", f"{sum(memory.values()):.0f}", f"{sum(idle.values()):.1f}")
    return (
        f"`figtree up` takes {up:.1f} s, the first order is stored {first:.1f} s after it was called (median of"
        f" {len(seen['starts'])}). The shape with the most processes, while nobody asks for anything:\n\n"
        + _table(("", "PSS MiB", "% of a core"), [*lines, total])
    )


def _overload(seen: dict[str, Any]) -> str:
    lines = [
        (s["second"], s["phase"], s["offered"], s["good"], s["refused"], s["no_room"], s["p50"], s["p99"])
        for s in seen["seconds"]
    ]
    head = ("second", "phase", "offered", "placed", "refused", "no room to ask", "p50 ms", "p99 ms")
    peak, goodput, well = seen["peak"], seen["goodput"], seen["recovered_after"]
    return (
        f"Peak {peak:.0f} orders/s; at three times that {goodput:.0f}/s are placed, {100 * goodput / peak:.0f} % of"
        f" the peak; well again {well} s after it ends.\n\n{_table(head, lines)}"
    )


def _soak(seen: dict[str, Any]) -> str:
    samples = seen["samples"]
    quarter = max(1, len(samples) // 4)
    lines = []
    for figure in ("pss_mib", "fds", "sockets"):
        for name in sorted(samples[-1][figure]):
            early = median(s[figure].get(name, 0) for s in samples[quarter : 2 * quarter])
            late = median(s[figure].get(name, 0) for s in samples[-quarter:])
            if abs(late - early) >= max(1, 0.02 * early):
                lines.append((f"{name}: {figure}", f"{early:.1f}", f"{late:.1f}"))
        early, late = (
            median(sum(s[figure].values()) for s in part)
            for part in (samples[quarter : 2 * quarter], samples[-quarter:])
        )
        lines.append((f"**all: {figure}**", f"{early:.1f}", f"{late:.1f}"))
    load = seen["load"]
    return (
        f"{load['orders']:,} orders in {load['seconds'] / 60:.0f} minutes, {load['failed']} failed, p99 {load['p99']}"
        " ms. Second quarter against the last; single processes where they differ by 2 % or more.\n\n"
        + _table(("", "early", "late"), lines)
    )


def comparison(earlier: dict[str, Any], now: dict[str, Any], worse: float) -> tuple[str, list[str]]:
    """A table, and the rows whose rate has fallen."""
    lines, fallen = [], []
    for clients, entry in now.get("orders", {}).items():
        before = earlier.get("orders", {}).get(clients, {}).get("rounds", {})
        for name, of in entry["rounds"].items():
            if name not in before:
                continue
            old, new = middle(before[name], "rate"), middle(of, "rate")
            change = 100 * (new / old - 1)
            lines.append(
                (
                    f"{name}, {clients}",
                    f"{old:,.0f}",
                    f"{new:,.0f}",
                    f"{change:+.0f} %",
                    f"± {spread(of):.0f} %",
                )
            )
            if change < -(worse + spread(of) + spread(before[name])):
                fallen.append(f"{name}, {clients}")
    return _table(("orders/s", "earlier", "now", "change", "spread"), lines), fallen
