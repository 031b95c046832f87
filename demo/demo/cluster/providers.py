"""`python -m demo.cluster.providers`: from a mesh's configuration a patch of its ConfigMap, with the providers of ours.

A mesh that somebody else has installed does not know where our traces go and what a line of our log is.
"""

import json
import sys
from typing import Any

import yaml

from demo.cluster.render import K8S


def completed(mesh: dict[str, Any]) -> dict[str, Any]:
    ours = yaml.safe_load((K8S / "istio.yaml").read_text())["spec"]["meshConfig"]["extensionProviders"]
    names = {provider["name"] for provider in ours}
    others = [provider for provider in mesh.get("extensionProviders", ()) if provider["name"] not in names]
    return mesh | {"enableTracing": True, "extensionProviders": [*others, *ours]}


if __name__ == "__main__":
    mesh = completed(yaml.safe_load(sys.stdin) or {})
    json.dump({"data": {"mesh": yaml.safe_dump(mesh, sort_keys=False)}}, sys.stdout)
