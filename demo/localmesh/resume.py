"""What an instance needs to go on after its supervisor was killed.

The supervisor writes it whenever a workload or a route changes; the next `figtree up` reads it. Rows and messages stay
where PostgreSQL and NATS keep them.
"""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from localmesh.instance import Instance

KEPT = ("postgres", "nats", "resume.json")  # of the instance's folder


@dataclass(frozen=True, slots=True)
class Wanted:
    """A version of a workload that was running."""

    workload: str
    version: str
    replicas: int
    env: dict[str, str]


@dataclass(slots=True)
class Resume:
    """The state of one instance; other programs know its addresses, so they stay the same."""

    mesh: bool
    block: str
    ports: dict[str, int]
    edge_port: int
    page_port: int
    postgres_password: str
    nats_token: str
    log_hash_key: str
    page_key: str
    workloads: list[Wanted] = field(default_factory=list)
    applied: list[str] = field(default_factory=list)  # manifests, in the order in which they were applied

    def write(self, root: Path) -> None:
        part = root / "resume.new"
        part.touch(mode=0o600)
        part.write_text(json.dumps(asdict(self)))
        part.replace(root / "resume.json")


def left_behind(instance: Instance) -> Resume | None:
    """What a killed supervisor has written; None if there is nothing, or nothing that fits this one."""
    try:
        found: dict[str, Any] = json.loads((instance.root / "resume.json").read_text())
        found["workloads"] = [Wanted(**one) for one in found["workloads"]]
        resume = Resume(**found)
    except (OSError, ValueError, TypeError, KeyError):
        return None
    return resume if resume.mesh == instance.mesh else None
