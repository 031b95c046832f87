"""Two runtimes' proxies, side by side: what differs, and which of it is explained."""

import fnmatch
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml
from runtime.manifests import ROOT

EXPLAINED = ROOT / "tests" / "proxies" / "explained.yaml"


@dataclass(frozen=True, slots=True)
class Difference:
    state: str
    path: str  # proxy/section/…
    local: Any
    cluster: Any

    def __str__(self) -> str:
        sides = f"{_short(self.local)} locally, {_short(self.cluster)} on the cluster"
        return f"{self.path}: {sides} (in {self.state[:60]})"


def differences(local: Mapping[str, Any], cluster: Mapping[str, Any]) -> list[Difference]:
    """Of all states of one and the other."""
    missing = [
        Difference(state, "state", state in local, state in cluster)
        for state in local.keys() ^ cluster.keys()
    ]
    return missing + [
        Difference(state, "/".join(path), here, there)
        for state in sorted(local.keys() & cluster.keys())
        for path, here, there in _walk(local[state], cluster[state], ())
    ]


@dataclass(frozen=True, slots=True)
class Explanation:
    path: str  # a pattern
    why: str
    only_local: bool = False  # the cluster has nothing there

    def explains(self, one: Difference) -> bool:
        return fnmatch.fnmatchcase(one.path, self.path) and not (self.only_local and one.cluster is not None)


def explained() -> list[Explanation]:
    return [Explanation(**entry) for entry in yaml.safe_load(EXPLAINED.read_text())]


def unexplained(found: list[Difference]) -> list[Difference]:
    known = explained()
    return [one for one in found if not any(explanation.explains(one) for explanation in known)]


def _walk(local: Any, cluster: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any, Any]]:
    if isinstance(local, dict) and isinstance(cluster, dict):
        for key in sorted(local.keys() | cluster.keys()):
            yield from _walk(local.get(key), cluster.get(key), (*path, str(key)))
    elif isinstance(local, list) and isinstance(cluster, list) and len(local) == len(cluster):
        for number, (one, other) in enumerate(zip(local, cluster, strict=True)):
            label = one["name"] if isinstance(one, dict) and isinstance(one.get("name"), str) else str(number)
            yield from _walk(one, other, (*path, label))
    elif local != cluster:
        yield path, local, cluster


def _short(value: Any) -> str:
    text = "nothing" if value is None else str(value)
    return text if len(text) < 160 else f"{text[:157]}…"
