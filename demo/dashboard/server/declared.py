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
    match: str  # what it is about, for people: "/api/rates", "x-environment: staging", "" for everything
    target: str
    version: str  # the subset, if there is one
    percent: float
    mirror: bool


@dataclass(frozen=True, slots=True)
class Rules:
    """What a VirtualService says, in its order."""

    name: str
    rules: tuple[Mapping[str, Any], ...]


@dataclass(slots=True)
class Declared:
    """Reads the files that are applied, each once as long as it does not change."""

    _read: dict[tuple[Path, float], tuple[Rules, ...]] = field(default_factory=dict)

    def routes(self, applied: Mapping[str, Path]) -> list[Route]:
        read: dict[tuple[Path, float], tuple[Rules, ...]] = {}
        for path in sorted({p for name, p in applied.items() if name.startswith("VirtualService/")}):
            try:
                key = path, path.stat().st_mtime
                read[key] = self._read.get(key) or tuple(_rules_of(yaml.safe_load_all(path.read_text())))
            except (OSError, yaml.YAMLError):  # being edited
                continue
        self._read = read
        objects = [rules for found in read.values() for rules in found]
        delegated = {
            rule["delegate"]["name"]: _match(rule) for o in objects for rule in o.rules if "delegate" in rule
        }
        return [route for o in objects for route in _routes_of(o, delegated.get(o.name, ""))]


def _rules_of(items: Any) -> Iterator[Rules]:
    for item in items:
        if isinstance(item, dict) and item.get("kind") == "VirtualService":
            spec = item["spec"]
            yield Rules(item["metadata"]["name"], (*spec.get("http", ()), *spec.get("tcp", ())))


def _routes_of(virtual_service: Rules, delegated: str) -> Iterator[Route]:
    for rule in virtual_service.rules:
        match = _match(rule) or delegated
        for route in rule.get("route", ()):
            target, version = _place(route["destination"])
            yield Route(virtual_service.name, match, target, version, route.get("weight", 100), False)
        for mirror in (*rule.get("mirrors", ()), *([rule] if "mirror" in rule else ())):
            target, version = _place(mirror.get("destination") or mirror["mirror"])
            percent = (mirror.get("percentage") or mirror.get("mirrorPercentage") or {}).get("value", 100)
            yield Route(virtual_service.name, match, target, version, percent, True)


def _match(rule: Mapping[str, Any]) -> str:
    return ", ".join(dict.fromkeys(filter(None, map(_text, rule.get("match", ())))))


def _place(destination: Mapping[str, Any]) -> tuple[str, str]:
    return destination["host"].partition(".")[0], destination.get("subset", "")


def _text(match: Mapping[str, Any]) -> str:
    """The path, or the header that decides."""
    if headers := match.get("headers"):
        return ", ".join(f"{name}: {_value(value)}" for name, value in headers.items())
    return _value(match.get("uri", {}))


def _value(matcher: Mapping[str, Any]) -> str:
    return " ".join(str(value) for value in matcher.values())
