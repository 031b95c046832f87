"""Services in Go: compiled once, kept by what they are made of, and checked."""

import asyncio
import fcntl
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from localmesh import builds, go_services
from localmesh.builds import Builds
from localmesh.go_services import GoService, names, service_of
from runtime.api import RuntimeFailure
from runtime.manifests import manifest

MAIN = 'package main\n\nimport "fmt"\n\nfunc main() {\n\tfmt.Println("served")\n}\n'
Write = Callable[..., GoService]


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Writes the sources of a service that needs no other module, in a repository of its own with its own cache."""
    module, cache = tmp_path / "services" / "currency" / "go", tmp_path / "cache"
    for folder in (module, cache, tmp_path / "proto"):
        folder.mkdir(parents=True)
    (module / "go.mod").write_text("module figtree.example/currency\n\ngo 1.26\n")
    (module / "go.sum").touch()
    monkeypatch.setattr(go_services, "ROOT", tmp_path)
    monkeypatch.setattr(go_services, "SERVICES", tmp_path / "services")
    monkeypatch.setattr(go_services, "PROTOS", tmp_path / "proto")
    monkeypatch.setattr(go_services, "cache_folder", lambda: cache)

    def written(text: str = MAIN) -> GoService:
        (module / "main.go").write_text(text)
        return GoService("currency")

    return written


def test_an_image_names_the_service_that_is_compiled_for_it() -> None:
    assert names() == ("currency",)
    assert [service_of(manifest("currency", version).image) for version in ("v1", "go")] == ["", "currency"]
    assert service_of("registry.example/you/figtree/currency-go:v1") == "currency"


def test_what_was_compiled_is_kept_until_a_source_changes(write: Write) -> None:
    told: list[str] = []
    first = write().ensure(told.append)
    assert told == ["compiling currency from its Go sources: a minute or two, the first time only"]
    assert write().ensure(told.append) == first
    assert len(told) == 1
    second = write(MAIN.replace("served", "changed")).ensure(told.append)
    assert (second != first, len(told)) == (True, 2)


def test_several_that_start_it_wait_for_one_compilation(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on, begun = threading.Event(), 0

    def compiles(service: GoService, progress: Callable[[str], None]) -> Path:
        nonlocal begun
        begun += 1
        progress("at it")
        assert go_on.wait(20)
        service.binary.parent.mkdir(exist_ok=True)
        service.binary.touch()
        return service.binary

    async def asked() -> None:
        monkeypatch.setattr(builds, "GoService", type("Compiling", (GoService,), {"ensure": compiles}))
        write()
        under_way, described = Builds(), manifest("currency", "go")
        assert await under_way.look(described) == "at it"
        waiting = asyncio.create_task(under_way.binary(described))
        assert await under_way.look(described) == "at it"
        go_on.set()
        assert (await waiting).exists()
        assert (await under_way.look(described), await under_way.look(manifest("currency"))) == ("", "")

    asyncio.run(asked())
    assert begun == 1


def test_an_interrupt_ends_the_waiting_for_another_process_that_compiles(write: Write) -> None:
    service = write()
    service.binary.parent.mkdir(exist_ok=True)
    with (service.binary.parent / "currency.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        threading.Timer(0.1, service.interrupt).start()
        with pytest.raises(RuntimeFailure, match="the compilation of currency was interrupted"):
            service.ensure()


def test_what_cannot_be_compiled_is_said_to_who_looks(write: Write) -> None:
    async def looked() -> None:
        under_way = Builds()
        while await under_way.look(manifest("currency", "go")):
            pass

    write(MAIN.replace("fmt.Println", "fmt.Printed"))
    with pytest.raises(RuntimeFailure, match=r"services/currency/go: `go build` failed:(?s:.*)fmt\.Printed"):
        asyncio.run(looked())


def test_the_check_finds_what_gofmt_and_vet_find(write: Write) -> None:
    assert list(write().findings(lambda _: None)) == []
    found = list(write(MAIN.replace("\tfmt.Println(", '  fmt.Printf("%d\\n", ')).findings(lambda _: None))
    assert ["is not formatted" in found[0], "Printf format %d" in found[1]] == [True, True]
