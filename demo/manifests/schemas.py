"""The schemas of Kubernetes and of the custom resources, in strict form: no field unknown, none missing."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import yaml
from localmesh.schemas import strict
from machine.compiling import istio_version

from manifests.render import LOADER, Object
from manifests.tools import module_folder

KUBERNETES = "v1.34.4"
GATEWAY_API = "v1.6.0"
SWAGGER = "api/openapi-spec/swagger.json"
ISTIO = "manifests/charts/base/files/crd-all.gen.yaml"
GATEWAY = "config/crd/experimental"  # `retry` of an HTTPRoute is in no other channel

Schema = dict[str, Any]
Known = dict[str, tuple[Schema, Schema]]  # apiVersion/kind: its schema, and the definitions it refers to


def known() -> Known:
    kubernetes = json.loads((module_folder("k8s.io/kubernetes", KUBERNETES) / SWAGGER).read_text())
    definitions = {name: strict(schema) for name, schema in kubernetes["definitions"].items()}
    found: Known = {}
    for name, schema in definitions.items():
        for kind in schema.get("x-kubernetes-group-version-kind", ()):
            version = "/".join(part for part in (kind["group"], kind["version"]) if part)
            found[f"{version}/{kind['kind']}"] = ({"$ref": f"#/definitions/{name}"}, definitions)
    istio = module_folder("istio.io/istio", istio_version()) / ISTIO
    for path in (istio, *gateway_definitions()):
        found |= _custom(path)
    return found


def gateway_definitions() -> list[Path]:
    folder = module_folder("sigs.k8s.io/gateway-api", GATEWAY_API) / GATEWAY
    return sorted(folder.glob("gateway.networking*.yaml"))


def _custom(path: Path) -> Known:
    found: Known = {}
    for definition in yaml.load_all(path.read_text(), Loader=LOADER):
        if not definition or definition["kind"] != "CustomResourceDefinition":
            continue
        spec = definition["spec"]
        for version in spec["versions"]:
            schema = strict(version["schema"]["openAPIV3Schema"])
            schema["properties"] |= {"apiVersion": {}, "kind": {}, "metadata": {}}
            found[f"{spec['group']}/{version['name']}/{spec['names']['kind']}"] = (schema, {})
    return found


def checker() -> Callable[[Object], Iterator[str]]:
    """A function that yields what is wrong with an object."""
    schemas = known()
    made: dict[str, Any] = {}

    def wrong(item: Object) -> Iterator[str]:
        kind = f"{item['apiVersion']}/{item['kind']}"
        if kind not in schemas:
            yield f"Kubernetes {KUBERNETES} and Istio know no {kind}"
            return
        if kind not in made:
            schema, definitions = schemas[kind]
            made[kind] = jsonschema_rs.Draft4Validator({**schema, "definitions": definitions})
        for error in made[kind].iter_errors(item):
            yield f"{'.'.join(str(part) for part in error.instance_path)}: {error.message[:200]}"

    return wrong
