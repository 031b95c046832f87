"""Scenes that need a cluster or the mesh are left out where there is none, and it is said."""

from typing import Any

import pytest
from cli import choose
from cli import scenes as cli
from scenes.catalogue import SCENES
from scenes.engine.acknowledged import Proof
from typer.testing import CliRunner

KUBERNETES = {scene.name for scene in SCENES if scene.group == "kubernetes"}


class Somewhere:
    def __init__(self, *capabilities: str) -> None:
        self.capabilities = frozenset(capabilities)


@pytest.mark.parametrize("capabilities", [(), ("mesh",), ("mesh", "kubernetes")])
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
    left_out = [scene.name for scene in SCENES if scene.needs not in ("", *capabilities)]
    assert acted == [scene.name for scene in SCENES if scene.name not in left_out]
    assert all(name in output for name in left_out)
    assert ("RUNTIME=kind" in output, "MESH=off" in output) == (
        "kubernetes" not in capabilities,
        "mesh" not in capabilities,
    )


def test_they_are_six_and_say_what_they_need() -> None:
    assert len(KUBERNETES) == 6
    assert {scene.needs for scene in SCENES} == {"", "mesh", "kubernetes"}
    assert {scene.name for scene in SCENES if scene.needs == "kubernetes"} == KUBERNETES
