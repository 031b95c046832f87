"""Scenes that need a cluster or the mesh are left out where there is none, and it is said."""

from typing import Any

import pytest
from cli import choose
from cli import scenes as cli
from runtime.api import Object
from runtime.cluster.nodes import CONTROL_PLANE, ZONE, capabilities
from scenes.catalogue import SCENES
from scenes.engine.acknowledged import Proof
from scenes.engine.scene import NEEDS
from typer.testing import CliRunner

KUBERNETES = {scene.name for scene in SCENES if scene.group == "kubernetes"}


class Somewhere:
    def __init__(self, *capabilities: str) -> None:
        self.capabilities = frozenset(capabilities)


@pytest.mark.parametrize(
    "capabilities",
    [
        (),
        ("mesh",),
        ("mesh", "gateway api"),
        ("mesh", "kubernetes"),
        ("mesh", "kubernetes", "two nodes"),
        tuple(NEEDS),
    ],
)
def test_all_scenes_are_those_that_the_runtime_can(
    capabilities: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    acted: list[str] = []

    async def connect(_: Any) -> Somewhere:
        return Somewhere(*capabilities)

    async def perform(_: Any, scenes: Any, __: Any) -> Any:
        acted.extend(scene.name for scene in scenes)
        return [], Proof(0, 0, 0, 0, 0)

    monkeypatch.setattr(choose, "connect", connect)
    monkeypatch.setattr(cli, "perform", perform)
    output = " ".join(CliRunner().invoke(cli.app, ["run", "--all"]).output.split())
    left_out = {scene.name for scene in SCENES if scene.needs not in ("", *capabilities)}
    assert acted == [scene.name for scene in SCENES if scene.name not in left_out]
    assert all((f" {scene.name}" in output) == (scene.name in left_out) for scene in SCENES)
    assert all((reason in output) != (need in capabilities) for need, reason in NEEDS.items())


def test_they_are_nine_and_say_what_they_need() -> None:
    assert len(KUBERNETES) == 9
    assert {scene.needs for scene in SCENES} == {"", *NEEDS}
    assert {scene.name for scene in SCENES if not scene.is_local} == KUBERNETES


def _worker(zone: str = "") -> Object:
    return {"metadata": {"labels": {ZONE: zone} if zone else {}}}


CONTROL: Object = {"metadata": {"labels": {CONTROL_PLANE: "", ZONE: "c"}}}


@pytest.mark.parametrize(
    ("nodes", "found"),
    [
        ([_worker("a")], set()),
        ([CONTROL, _worker("a")], set()),
        ([CONTROL, _worker(), _worker()], {"two nodes"}),
        ([CONTROL, _worker("a"), _worker("a")], {"two nodes"}),
        ([CONTROL, _worker("a"), _worker("b")], {"two nodes", "two zones"}),
    ],
)
def test_a_cluster_has_two_zones_if_its_workers_say_so(nodes: list[Object], found: set[str]) -> None:
    assert capabilities(nodes) == found
