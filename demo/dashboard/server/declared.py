"""What the routes in force say: who gets which share of whose requests, and who gets copies of them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml


@dataclass(frozen=True, slots=True)
class Route:
    """One destination of one route."""

    name: str  # of the VirtualService
    at_edge: bool
    match: str  # what it is about, for people: "/api/rates", "x-environment: staging", "" for everything
    target: str
    version: str  # the subset, if there is one
    percent: float
    mirror: bool


@dataclass(slots=True)
class Declared:
    """Reads the files that are applied, each once as long as it does not change."""

    _read: dict[tuple[Path, float], tuple[Route, ...]] = field(default_factory=dict)

    def routes(self, applied: Mapping[str, Path]) -> list[Route]:
        routes: dict[tuple[Path, float], tuple[Route, ...]] = {}
        for path in sorted({p for name, p in applied.items() if name.startswith("VirtualService/")}):
            try:
                key = path, path.stat().st_mtime
                routes[key] = self._read.get(key) or tuple(_routes_of(yaml.safe_load_all(path.read_text())))
            except (OSError, yaml.YAMLError):  # being edited
                continue
        self._read = routes
        return [route for found in routes.values() for route in found]


def _routes_of(items: Any) -> Iterator[Route]:
    for item in items:
        if not isinstance(item, dict) or item.get("kind") != "VirtualService":
            continue
        name, spec = item["metadata"]["name"], item["spec"]
        at_edge = "edge" in spec.get("gateways", ())
        for rule in (*spec.get("http", ()), *spec.get("tcp", ())):
            match = ", ".join(dict.fromkeys(filter(None, map(_text, rule.get("match", ())))))
            for route in rule.get("route", ()):
                yield Route(
                    name, at_edge, match, *_place(route["destination"]), route.get("weight", 100), False
                )
            for mirror in (*rule.get("mirrors", ()), *([rule] if "mirror" in rule else ())):
                destination = mirror.get("destination") or mirror["mirror"]
                percent = (mirror.get("percentage") or mirror.get("mirrorPercentage") or {}).get("value", 100)
                yield Route(name, at_edge, match, *_place(destination), percent, True)


def _place(destination: Mapping[str, Any]) -> tuple[str, str]:
    return destination["host"].partition(".")[0], destination.get("subset", "")


def _text(match: Mapping[str, Any]) -> str:
    """The path, or the header that decides."""
    if headers := match.get("headers"):
        return ", ".join(f"{name}: {_value(value)}" for name, value in headers.items())
    return _value(match.get("uri", {}))


def _value(matcher: Mapping[str, Any]) -> str:
    return " ".join(str(value) for value in matcher.values())
