"""The definitions of custom resources: a field that they do not know is refused, as `kubectl apply` does it.

istiod's own validation lets such a field pass, so that a mistyped name would silently mean nothing. Of the kinds of the
Gateway API istiod judges nothing: it relies on the API server to refuse what the definitions do not allow and to write
their defaults into each object (a route without `path` ends it).
"""

import copy
import json
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema_rs
import yaml
from runtime.api import Object, Refused

Schema = dict[str, Any]


def compact(source: Path, target: Path) -> None:
    """From Istio's file of all definitions to the names of the fields: kind → version → schema of spec."""
    _write({kind: _each(versions, _bare) for kind, versions in _specs([source]).items()}, target)


def collect(sources: Iterable[Path], target: Path) -> None:
    """From files of definitions to all that they say of a spec, without prose: kind → version → schema."""
    _write({kind: _each(versions, _without_prose) for kind, versions in _specs(sources).items()}, target)


def _specs(sources: Iterable[Path]) -> dict[str, dict[str, Schema]]:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    kinds: dict[str, dict[str, Schema]] = {}
    for definition in (item for path in sources for item in yaml.load_all(path.read_text(), Loader=loader)):
        spec = definition["spec"]
        for version in spec["versions"]:
            name = f"{spec['group']}/{version['name']}"
            properties = version["schema"]["openAPIV3Schema"]["properties"]
            kinds.setdefault(spec["names"]["kind"], {})[name] = properties["spec"]
    return kinds


def _each(versions: dict[str, Schema], change: Any) -> dict[str, Schema]:
    return {name: change(schema) for name, schema in versions.items()}


def _write(kinds: dict[str, dict[str, Schema]], target: Path) -> None:
    part = target.with_suffix(".new")
    part.write_text(json.dumps(kinds))
    part.replace(target)


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


def _without_prose(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_without_prose(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    kept = {
        name: _without_prose(value)
        for name, value in schema.items()
        if name not in ("description", "x-kubernetes-validations")
    }
    if "properties" in schema:  # a map of names, in which "description" is a field like any other
        kept["properties"] = {name: _without_prose(value) for name, value in schema["properties"].items()}
    return kept


def strict(schema: Any) -> Any:
    """The same, but no field goes that it does not name; formats, which JSON schema has otherwise, are left out."""
    if isinstance(schema, list):
        return [strict(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    if schema.get("x-kubernetes-int-or-string") or schema.get("format") == "int-or-string":
        return {"type": ["integer", "string"]}
    kept = {name: strict(value) for name, value in schema.items() if name not in ("format", "default")}
    if "properties" in schema:  # a map of names, in which "format" is a field like any other
        kept["properties"] = {name: strict(value) for name, value in schema["properties"].items()}
    open_ended = "additionalProperties" in schema or schema.get("x-kubernetes-preserve-unknown-fields")
    if "properties" in schema and not open_ended and schema.get("type") == "object":
        kept["additionalProperties"] = False
    if schema.get("nullable") and isinstance(kept.get("type"), str):
        kept["type"] = [kept["type"], "null"]
    return kept


def check_fields(schemas: Path, item: Object) -> None:
    """Raise Refused if the item has a field that its definition does not know; `schemas` is what `compact` wrote."""
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


def admit(schemas: Path, item: Object) -> Object:
    """The item with the defaults of its definition; `schemas` is what `collect` wrote. Rules in CEL are not evaluated.

    Raises Refused if the definition does not allow it.
    """
    schema = _collected(schemas).get(item["kind"], {}).get(item["apiVersion"])
    if schema is None:
        raise Refused(f'no matches for kind "{item["kind"]}" in version "{item["apiVersion"]}"')
    spec = _with_defaults(schema, copy.deepcopy(item.get("spec")))
    if errors := list(jsonschema_rs.Draft4Validator(strict(schema)).iter_errors(spec)):
        places = ("".join(f".{part}" for part in error.instance_path) for error in errors)
        told = "; ".join(f"spec{place}: {error.message}" for place, error in zip(places, errors, strict=True))
        raise Refused(f"{item['kind']} {item['metadata']['name']}: {told[:800]}")
    return {**item, "spec": spec}


@cache
def _collected(schemas: Path) -> dict[str, dict[str, Schema]]:
    kinds: dict[str, dict[str, Schema]] = json.loads(schemas.read_text())
    return kinds


def _with_defaults(schema: Schema, value: Any) -> Any:
    if isinstance(value, dict):
        for name, field in schema.get("properties", {}).items():
            if name not in value and "default" in field:
                value[name] = copy.deepcopy(field["default"])
            if name in value:
                value[name] = _with_defaults(field, value[name])
    elif isinstance(value, list):
        return [_with_defaults(schema.get("items", {}), element) for element in value]
    return value
