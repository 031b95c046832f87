"""istioctl's own analysis of every state that istio/ can put the mesh in."""

import re
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import yaml
from runtime.manifests import CANARY, ROOT

from manifests import render
from manifests.render import Object, name_of
from manifests.tools import program

ISTIO = ROOT / "istio"
WAIVED = {
    "IST0133": "an EnvoyFilter is used where Istio has no other way, and each says why",
    "IST0151": "what is put before the router needs no priority: a chain has one router, a scene one filter",
}
CANARIES = tuple(sorted(CANARY.iterdir()))
WORKLOADS = (render.K8S / "steps" / "4-order", *CANARIES)  # all that ever runs
PLATFORM = Path(__file__).with_name("platform.yaml")


def states() -> Iterator[tuple[list[str], list[Object]]]:
    """The files of istio/ in as few sets as can be: in each, every object is there once.

    What all states have in common comes first, and gives way to a file that says otherwise.
    """
    common: dict[str, Object] = {}
    for path in (
        *ISTIO.glob("mesh/*.yaml"),
        *ISTIO.glob("cluster/*.yaml"),
        *ISTIO.glob("traffic/*-subsets.yaml"),
    ):
        common |= {name_of(item): item for item in render.read(path)}
    sets: list[tuple[list[str], dict[str, Object]]] = []
    for path in render.istio_files():
        items = {name_of(item): item for item in render.read(path)}
        name = path.relative_to(ROOT).as_posix()
        if any(common.get(identity, item) != item for identity, item in items.items()):
            yield [name], list((common | items).values())
            continue
        place = next((one for one in sets if not one[1].keys() & items.keys()), None)
        if place is None:
            sets.append(place := ([], {}))
        place[0].append(name)
        place[1].update(items)
    for names, taken in sets:
        yield names, list((common | taken).values())


def findings() -> Iterator[str]:
    workloads = [item for folder in WORKLOADS for item in render.objects(folder)]
    workloads += render.read(PLATFORM)
    with tempfile.TemporaryDirectory() as folder:
        for number, (names, items) in enumerate(states()):
            file = Path(folder) / f"{number}.yaml"
            file.write_text(yaml.safe_dump_all([*workloads, *items]))
            command = [
                str(program("istioctl")),
                "analyze",
                "--use-kube=false",
                "--namespace",
                "figtree",
                str(file),
            ]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            output = done.stdout + done.stderr
            found = re.findall(r"^(?:Error|Warning|Info) \[(IST\d+)\] (.*)$", output, re.MULTILINE)
            if not found and "No validation issues" not in output:
                yield f"istioctl analyze: {output.strip()}"
            for code, message in found:
                if code not in WAIVED:
                    yield f"{code} {message.replace(str(file), '')} (with {', '.join(names)})"
