"""The demo's own figures for Prometheus: what the strangling and the scenes say of themselves."""

from collections.abc import Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest
from prometheus_client.parser import text_string_to_metric_families

KNOWN = {  # name: what it is, its labels; a name that ends in _total is added to, another one is set
    "figtree_shape": ("How many modules have left the monolith; 5 without it", ()),
    "figtree_step_seconds": ("How long the last run of a step took", ("step", "direction")),
    "figtree_mirror_answers_total": ("Pairs of answers compared", ("subject", "verdict")),
    "figtree_gate_decisions_total": ("Cut-overs allowed and refused", ("module", "verdict")),
    "figtree_gate_differences": ("Rows that differed at the last look", ("module",)),
    "figtree_replication_lag_seconds": (
        "How long the replica took to catch up at the last look",
        ("module", "direction"),
    ),
    "figtree_writers_held_seconds": ("How long writers waited at the last cut-over", ("module",)),
    "figtree_scene_running": ("1 while a scene is acted out", ("scene",)),
    "figtree_scenes_total": ("Scenes acted out", ("scene", "verdict")),
}


class Figures:
    def __init__(self, known: str = "") -> None:
        """`known` is what an earlier `text` said, perhaps among other metrics."""
        self._registry = CollectorRegistry()
        self._counters: dict[str, Counter] = {}
        self._gauges: dict[str, Gauge] = {}
        for name, (text, labels) in KNOWN.items():
            if name.endswith("_total"):
                self._counters[name] = Counter(name, text, labels, registry=self._registry)
            else:
                self._gauges[name] = Gauge(name, text, labels, registry=self._registry)
        for family in text_string_to_metric_families(known):
            for sample in family.samples:
                if sample.name in KNOWN:
                    own = {label: sample.labels[label] for label in KNOWN[sample.name][1]}
                    self.report(sample.name, sample.value, own)

    def report(self, name: str, value: float, labels: Mapping[str, str]) -> None:
        if counter := self._counters.get(name):
            (counter.labels(**labels) if labels else counter).inc(value)
        else:
            gauge = self._gauges[name]
            (gauge.labels(**labels) if labels else gauge).set(value)

    def text(self, *names: str) -> str:
        """Of all, or of some."""
        registry = self._registry.restricted_registry(names) if names else self._registry
        return generate_latest(registry).decode()


def line(name: str, value: float, **labels: str) -> str:
    """A sample in Prometheus' format."""
    inside = ",".join(f'{key}="{_escape(text)}"' for key, text in labels.items())
    return f"{name}{{{inside}}} {value:g}" if -1e15 < value < 1e6 else f"{name}{{{inside}}} {value:.0f}"


def _escape(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
