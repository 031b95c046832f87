"""What docs/how-to/gateway-api.md says of the Gateway API: its definitions refuse it."""

import copy
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from manifests import render, schemas
from runtime.manifests import ROOT

FOLDER = ROOT / "istio" / "gateway-api"
Check = Callable[[dict[str, Any]], Iterator[str]]
FAULT = {"type": "Fault", "fault": {"abort": {"grpcStatus": "UNAVAILABLE", "percentage": {"value": 50}}}}
SUBSET = {"name": "pricing", "port": 50051, "subset": "v2"}
UNSAYABLE = [
    ("pricing-90-10", {"filters": [FAULT]}, "fault"),
    ("pricing-90-10-http", {"filters": [FAULT]}, "fault"),
    ("pricing-90-10", {"backendRefs": [SUBSET]}, "subset"),
    ("pricing-90-10-http", {"backendRefs": [SUBSET]}, "subset"),
    ("pricing-90-10", {"retry": {"attempts": 3}}, "retry"),
    ("pricing-90-10", {"timeouts": {"request": "10s"}}, "timeouts"),
    ("pricing-retries", {"retry": {"attempts": 3, "codes": ["reset"]}}, "reset"),
]


@pytest.fixture(scope="module")
def wrong() -> Check:
    return schemas.checker()


@pytest.mark.parametrize(("name", "rule", "word"), UNSAYABLE)
def test_what_cannot_be_said_is_refused(wrong: Check, name: str, rule: dict[str, Any], word: str) -> None:
    (item,) = render.read(FOLDER / f"{name}.yaml")
    assert not list(wrong(item))
    changed = copy.deepcopy(item)
    changed["spec"]["rules"][0].update(rule)
    found = list(wrong(changed))
    assert found
    assert any(word in text for text in found), found


def test_retry_is_in_the_experimental_channel_only() -> None:
    experimental = next(path for path in schemas.gateway_definitions() if "httproutes" in path.name)
    standard = experimental.parents[1] / "standard" / experimental.name
    fields = [_rule(path) for path in (experimental, standard)]
    assert ["retry" in field for field in fields] == [True, False]
    assert all("timeouts" in field for field in fields)


def _rule(path: Any) -> dict[str, Any]:
    (definition,) = render.read(path)
    spec = definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]
    properties: dict[str, Any] = spec["properties"]["rules"]["items"]["properties"]
    return properties
