"""Scenes that need a cluster are left out where there is none, and it is said; what they look at is in the cluster."""

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


@pytest.mark.parametrize(("capabilities", "left_out"), [(("mesh",), True), (("mesh", "kubernetes"), False)])
def test_all_scenes_are_those_that_the_runtime_can(
    capabilities: tuple[str, ...], left_out: bool, monkeypatch: pytest.MonkeyPatch
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
    assert bool(KUBERNETES & set(acted)) != left_out
    assert len(acted) == len(SCENES) - (len(KUBERNETES) if left_out else 0)
    assert all((name in output) == left_out for name in KUBERNETES)


def test_they_are_six_and_say_what_they_need() -> None:
    assert len(KUBERNETES) == 6
    assert {scene.needs for scene in SCENES} == {"", "kubernetes"}
    assert {scene.name for scene in SCENES if scene.needs} == KUBERNETES
