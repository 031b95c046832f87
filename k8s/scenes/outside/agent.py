"""What Kubernetes has no verb for, from the node's own process list: SIGKILL to a container, and what it has used.

agent.py kill ID              ends the first process of that container; the kubelet starts it again
agent.py freeze ID            stops that process (SIGSTOP): it answers nothing, and does not end
agent.py hold ID…             kills them; what the kubelet starts in their place stands still until standard input ends
agent.py freeze-node SECONDS  stops every process of the node for so long, the kubelet among them
agent.py usage                seconds of CPU and bytes of memory (PSS) of each container, as JSON
"""

import collections
import contextlib
import json
import os
import re
import select
import signal
import sys
import time
from pathlib import Path

CONTAINER = re.compile(r"([0-9a-f]{64})(?:\.scope)?\s*$")
GONE = (ProcessLookupError, FileNotFoundError, PermissionError)


def container_of(pid):
    with contextlib.suppress(*GONE):
        found = CONTAINER.search(Path(f"/proc/{pid}/cgroup").read_text())
        return found.group(1) if found else ""
    return ""


def processes():
    for name in os.listdir("/proc"):
        if name.isdigit() and (container := container_of(name)):
            yield int(name), container


def is_first(pid):
    status = Path(f"/proc/{pid}/status").read_text()
    return re.search(r"^NSpid:.*\t1$", status, re.MULTILINE) is not None


def send(container, number):
    for pid, owner in processes():
        with contextlib.suppress(*GONE):
            if owner == container and is_first(pid):
                os.kill(pid, number)
                return
    sys.exit(f"no process of container {container} is here")


def network(pid):
    with contextlib.suppress(*GONE):
        return os.readlink(f"/proc/{pid}/ns/net")
    return ""


def is_begun(pid):
    """runc itself must come to its end, or the kubelet would wait for it."""
    with contextlib.suppress(*GONE):
        return not Path(f"/proc/{pid}/comm").read_text().startswith("runc")
    return False


def hold(containers):
    seen = list(processes())
    networks = {network(pid) for pid, owner in seen if owner in containers} - {""}
    known = {owner for _, owner in seen}
    for container in containers:
        send(container, signal.SIGKILL)
    print("held", flush=True)
    held = set()
    try:
        while not select.select([sys.stdin], [], [], 0.005)[0]:
            for pid, owner in processes():
                if pid not in held and owner not in known and network(pid) in networks and is_begun(pid):
                    os.kill(pid, signal.SIGSTOP)
                    held.add(pid)
    finally:
        for pid in held:
            with contextlib.suppress(*GONE):
                os.kill(pid, signal.SIGCONT)


def freeze_node(seconds):
    """They go on whether or not anybody still waits for us. Init ignores the signal, and this process has to stay."""
    until, stopped = time.monotonic() + seconds, set()
    try:
        while time.monotonic() < until:  # again and again: one that was just being made is stopped, too
            for pid in (
                {int(name) for name in os.listdir("/proc") if name.isdigit()} - {1, os.getpid()} - stopped
            ):
                with contextlib.suppress(*GONE):
                    os.kill(pid, signal.SIGSTOP)
                    stopped.add(pid)
            time.sleep(0.1)
    finally:
        for pid in stopped:
            with contextlib.suppress(*GONE):
                os.kill(pid, signal.SIGCONT)


def usage():
    used = collections.defaultdict(lambda: {"cpu": 0.0, "memory": 0})
    tick = os.sysconf("SC_CLK_TCK")
    for pid, owner in processes():
        with contextlib.suppress(*GONE):
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            # Its own time, and that of children that have ended.
            used[owner]["cpu"] += sum(map(int, fields[11:15])) / tick
            rollup = re.search(
                r"^Pss:\s+(\d+) kB", Path(f"/proc/{pid}/smaps_rollup").read_text(), re.MULTILINE
            )
            used[owner]["memory"] += int(rollup.group(1)) * 1024 if rollup else 0
    print(json.dumps(used))


match sys.argv[1:]:
    case ["kill", container]:
        send(container, signal.SIGKILL)
    case ["freeze", container]:
        send(container, signal.SIGSTOP)
    case ["hold", *containers] if containers:
        hold(containers)
    case ["freeze-node", seconds]:
        freeze_node(float(seconds))
    case ["usage"]:
        usage()
    case _:
        sys.exit(__doc__)
