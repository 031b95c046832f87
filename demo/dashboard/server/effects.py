"""What the mesh itself does to requests, out of the proxies' own statistics."""

import re
from collections.abc import Mapping

TO_A_CALLEE = {
    "upstream_rq_retry": "retried",
    "upstream_rq_timeout": "timed out",
    "upstream_rq_pending_overflow": "overflowed",
    "outlier_detection.ejections_active": "ejected",
}
AT_THE_DOOR = {
    "downstream_rq_total": "requests",
    "downstream_rq_5xx": "failed",
    "rbac.denied": "denied",
    "rate_limited": "limited",
    "aborts_injected": "aborted",
    "delays_injected": "delayed",
}
GAUGES = frozenset({"ejected"})
INGRESS = "ingress"

MATCHING = "({})$".format(
    "|".join(
        (
            r"^cluster\.outbound\|[^;]*;\.(" + "|".join(map(re.escape, TO_A_CALLEE)) + ")",
            r"^http\.(inbound|outbound)_.*\.(" + "|".join(map(re.escape, AT_THE_DOOR)) + ")",
            r"rate_limited",
        )
    )
)
_CALLEE = re.compile(r"cluster\.outbound\|\d+\|[^|]*\|([^.;]*)[^;]*;\.(.+)")
_DOOR = re.compile(r"http\.(inbound|outbound)_[^;]*;\.(.+)")

Effect = tuple[str, str, str]  # workload, callee or "" for its own door, what


def effects(workload: str, counters: Mapping[str, float]) -> dict[Effect, float]:
    """A workload's door is where requests come in; the ingress gateway's is the one to which users come."""
    door_of = "outbound" if workload == INGRESS else "inbound"
    found: dict[Effect, float] = {}
    for name, value in counters.items():
        if callee := _CALLEE.fullmatch(name):
            key = workload, callee[1], TO_A_CALLEE.get(callee[2], "")
        else:
            door = _DOOR.fullmatch(name)
            if door and door[1] != door_of:
                continue
            key = workload, "", _at_the_door(door[2] if door else name)
        if key[2]:
            found[key] = found.get(key, 0.0) + value
    return found


def _at_the_door(name: str) -> str:
    return next((what for end, what in AT_THE_DOOR.items() if name.endswith(end)), "")
