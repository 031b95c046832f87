"""The schemas of Istio's custom resources: a field they do not know is refused, as `kubectl apply` does it.

istiod's own validation lets such a field pass, so that a mistyped name would silently mean nothing.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from runtime.api import Object, Refused

Schema = dict[str, Any]


def compact(source: Path, target: Path) -> None:
    """From Istio's file of all definitions to what is needed here: kind → version → schema of spec."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    kinds: dict[str, dict[str, Schema]] = {}
    for definition in yaml.load_all(source.read_text(), Loader=loader):
        spec = definition["spec"]
        for version in spec["versions"]:
            name = f"{spec['group']}/{version['name']}"
            properties = version["schema"]["openAPIV3Schema"]["properties"]
            kinds.setdefault(spec["names"]["kind"], {})[name] = _bare(properties["spec"])
    target.write_text(json.dumps(kinds))


def _bare(schema: Schema) -> Schema:
    kept: Schema = {}
    if schema.get("x-kubernetes-preserve-unknown-fields"):
        return kept
    if "properties" in schema:
        kept["properties"] = {name: _bare(field) for name, field in schema["properties"].items()}
    for name in ("items", "additionalProperties"):
        if isinstance(schema.get(name), dict):
            kept[name] = _bare(schema[name])
    return kept


def check_fields(schemas: Path, item: Object) -> None:
    kinds: dict[str, dict[str, Schema]] = json.loads(schemas.read_text())
    versions = kinds.get(item["kind"])
    if versions is None:
        return  # istiod names the kinds that it does not know
    schema = versions.get(item["apiVersion"])
    if schema is None:
        raise Refused(f'no matches for kind "{item["kind"]}" in version "{item["apiVersion"]}"')
    if unknown := [f'unknown field "{path}"' for path in _unknown(schema, item.get("spec"), "spec")]:
        raise Refused(
            f"{item['kind']} {item['metadata']['name']}: strict decoding error: {', '.join(unknown)}"
        )


def _unknown(schema: Schema, value: Any, path: str) -> Iterator[str]:
    if isinstance(value, list) and "items" in schema:
        for index, element in enumerate(value):
            yield from _unknown(schema["items"], element, f"{path}[{index}]")
    elif isinstance(value, dict):
        fields = schema.get("properties", {})
        other = schema.get("additionalProperties")
        for name, content in value.items():
            if name in fields:
                yield from _unknown(fields[name], content, f"{path}.{name}")
            elif other is not None:
                yield from _unknown(other, content, f"{path}.{name}")
            elif fields:
                yield f"{path}.{name}"
