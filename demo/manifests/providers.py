"""`python -m manifests.providers`: from a mesh's configuration a patch of its ConfigMap, with our providers.

A mesh that somebody else installed lacks our trace and log providers, and it may compare policies with a path that
the application does not serve (`pathNormalization`).
"""

import json
import sys
from typing import Any

import yaml

from manifests.render import K8S


def completed(mesh: dict[str, Any]) -> dict[str, Any]:
    config = yaml.safe_load((K8S / "istio.yaml").read_text())["spec"]["meshConfig"]
    declared = config["extensionProviders"]
    names = {provider["name"] for provider in declared}
    others = [provider for provider in mesh.get("extensionProviders", ()) if provider["name"] not in names]
    return mesh | {
        "enableTracing": True,
        "extensionProviders": [*others, *declared],
        "pathNormalization": config["pathNormalization"],
    }


if __name__ == "__main__":
    mesh = completed(yaml.safe_load(sys.stdin) or {})
    json.dump({"data": {"mesh": yaml.safe_dump(mesh, sort_keys=False)}}, sys.stdout)
