"""What was measured, as pictures."""

from pathlib import Path
from typing import Any

import pygal
from pygal.style import LightSolarizedStyle

from benchmarks.tables import NAMES, middle, middle_of

SETTINGS = {
    "style": LightSolarizedStyle,
    "width": 900,
    "height": 420,
    "print_values": True,
    "js": (),
    "disable_xml_declaration": True,
    "legend_at_bottom": True,
}


def draw(results: dict[str, Any], folder: Path) -> None:
    if found := results.get("orders"):
        _rates(found).render_to_file(folder / "orders.svg")
        _processes(found).render_to_file(folder / "cpu.svg")


def _rates(orders: dict[str, Any]) -> Any:
    counts = sorted(orders, key=int)
    chart = pygal.Bar(
        title="Orders per second by clients at once", value_formatter=lambda v: f"{v:,.0f}", **SETTINGS
    )
    chart.x_labels = [f"{count} client{'s' if count != '1' else ''}" for count in counts]
    for name in dict.fromkeys(name for count in counts for name in orders[count]["rounds"]):
        rounds = (orders[count]["rounds"].get(name) for count in counts)
        chart.add(NAMES.get(name, name), [round(middle(of, "rate")) if of else None for of in rounds])
    return chart


def _processes(orders: dict[str, Any]) -> Any:
    """Where the time of an order goes, at the largest number of clients."""
    count = max(orders, key=int)
    rounds = {name: of for name, of in orders[count]["rounds"].items() if not name.startswith("pgbench")}
    found = {name: middle_of(of, "cpu_ms") for name, of in rounds.items()}
    chart = pygal.HorizontalStackedBar(
        title=f"CPU ms per order by process, {count} clients", **SETTINGS | {"print_values": False}
    )
    chart.x_labels = list(found)
    names = sorted({name for of in found.values() for name, ms in of.items() if ms >= 0.02})
    for name in names:
        chart.add(name, [round(of.get(name, 0), 3) for of in found.values()])
    return chart
