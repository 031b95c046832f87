"""A cluster that began with the last shape: there never was a monolith, nor its database with the strangler's state."""

from unittest.mock import AsyncMock, MagicMock

import pytest
from runtime.api import Runtime
from strangler.database import MONOLITH
from strangler.declared import declared
from strangler.health import survey
from strangler.modules import LAST, MODULES, SHAPES
from strangler.state import STRANGLED, NoMonolith, State
from strangler.steps import Strangler


@pytest.fixture
def runtime() -> MagicMock:
    databases = MagicMock(has=AsyncMock(return_value=False))
    databases.admin_url = AsyncMock(side_effect=AssertionError("no database is asked"))
    return MagicMock(spec=Runtime, databases=databases, capabilities=frozenset({"mesh", "kubernetes"}))


async def test_it_is_in_the_last_shape_and_nothing_is_replicated(runtime: MagicMock) -> None:
    state = State(runtime)
    assert await state.position() == (LAST, "")
    assert await state.shape() == SHAPES[LAST]
    assert set((await state.phases()).values()) == {STRANGLED}
    for module, seen in zip(MODULES, await state.whereabouts(), strict=True):
        assert str(seen) == f"reads: {module.name}; writes: {module.name}"
    assert await state.journal() == []
    assert await survey(runtime) == []
    runtime.databases.has.assert_awaited_with(MONOLITH)


async def test_what_is_declared_for_it_is_what_prepare_puts_at_the_edge(runtime: MagicMock) -> None:
    known = (await declared(State(runtime))).objects
    edge = {files[0].name for name, files in known.items() if name.startswith("VirtualService/figtree/edge-")}
    script = (MODULES[0].traffic("monolith").parents[2] / "k8s" / "scripts" / "prepare").read_text()
    assert edge == {f"edge-{name}-100.yaml" for name in ("currency", "pricing", "title")} | {
        f"edge-{name}-gateway.yaml" for name in ("customer", "order", "rest")
    }
    assert "edge-{currency,pricing,title}-100.yaml istio/traffic/edge-{customer,order}-gateway.yaml" in script


@pytest.mark.parametrize("command", ["forward", "back"])
async def test_no_step_is_taken_in_either_direction(runtime: MagicMock, command: str) -> None:
    with pytest.raises(NoMonolith, match="began without a monolith, so it has no step to take"):
        await getattr(Strangler(runtime), command)()
