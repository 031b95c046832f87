"""What an API server does with an object by its definition, before any controller sees it."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from localmesh.schemas import admit, collect
from runtime.api import Refused

MATCH = {
    "type": "object",
    "properties": {"path": {"type": "string", "default": "/"}, "description": {"type": "string"}},
}
SPEC = {
    "type": "object",
    "required": ["host"],
    "properties": {
        "host": {"type": "string", "description": "prose"},
        "matches": {"type": "array", "items": MATCH, "default": [{"path": "/"}]},
    },
}


@pytest.fixture
def schemas(tmp_path: Path) -> Path:
    version = {"name": "v1", "schema": {"openAPIV3Schema": {"properties": {"spec": SPEC}}}}
    definition = {"spec": {"group": "example.org", "names": {"kind": "Route"}, "versions": [version]}}
    (tmp_path / "definition.yaml").write_text(yaml.safe_dump(definition))
    collect([tmp_path / "definition.yaml"], tmp_path / "schemas.json")
    return tmp_path / "schemas.json"


def route(version: str = "v1", **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": f"example.org/{version}",
        "kind": "Route",
        "metadata": {"name": "r"},
        "spec": spec,
    }


def test_defaults_are_filled_in_at_every_depth_and_the_given_object_stays(schemas: Path) -> None:
    given = route(host="a", matches=[{"description": "a field with the name of a keyword"}, {"path": "/b"}])
    assert [match["path"] for match in admit(schemas, given)["spec"]["matches"]] == ["/", "/b"]
    assert "path" not in given["spec"]["matches"][0]
    assert admit(schemas, route(host="a"))["spec"]["matches"] == [{"path": "/"}]


@pytest.mark.parametrize(
    ("item", "why"),
    [
        (route(), '"host" is a required property'),
        (route(host="a", hots="b"), "'hots' was unexpected"),
        (route(host=1), "spec.host: 1 is not of type"),
        (route(host="a", matches=[{"path": 1}]), r"spec\.matches\.0\.path: 1 is not of type"),
        (route("v2", host="a"), 'no matches for kind "Route" in version "example.org/v2"'),
    ],
)
def test_what_the_definition_does_not_allow_is_refused_with_its_place(
    schemas: Path, item: dict[str, Any], why: str
) -> None:
    with pytest.raises(Refused, match=why):
        admit(schemas, item)
