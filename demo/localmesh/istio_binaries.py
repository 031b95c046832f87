"""istiod and pilot-agent, compiled once from Istio's Go module and kept in the cache."""

import contextlib
import hashlib
import json
import re
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from machine import compiling
from machine.needs import minutes
from runtime.api import RuntimeFailure

from localmesh.cache import cache_folder
from localmesh.fake_apiserver import ROUTING
from localmesh.golang import LOOK, Progress, find_go, try_lock
from localmesh.schemas import collect, compact

MODULE = Path(compiling.MODULE)
TEMPLATE = "tools/packaging/common/envoy_bootstrap.json"
DEFINITIONS = "manifests/charts/base/files/crd-all.gen.yaml"
ISTIO_MODULE = "istio.io/istio"
GATEWAY_MODULE = "sigs.k8s.io/gateway-api"  # in the version that istiod is compiled with
GATEWAY_DEFINITIONS = (
    "config/crd/experimental/gateway.networking.k8s.io_{}.yaml"  # `retry` is in no other channel
)
PACKAGES = 1850  # that both are made of
LINKING = 25.0  # seconds after the last of them


class Bar:
    """What a compilation's log says, as a line for each twentieth of it, with the time that is left."""

    def __init__(self, log: Path, progress: Progress) -> None:
        self._log = log
        self._progress = progress
        self._first: tuple[float, int] | None = None
        self._shown = -1

    def look(self) -> None:
        with contextlib.suppress(FileNotFoundError):
            self._show(
                sum(1 for line in self._log.read_text().splitlines() if re.fullmatch(r"[\w./~-]+", line))
            )

    def _show(self, done: int) -> None:
        now, twentieth = time.monotonic(), min(20, 20 * done // PACKAGES)
        if self._first is None or done == 0:
            self._first = (now, done)
        since, before = self._first
        if twentieth <= self._shown:
            return
        self._shown = twentieth
        bar = "#" * twentieth + "." * (20 - twentieth)
        left = ""
        if done > before:
            seconds = (now - since) * max(0, PACKAGES - done) / (done - before) + LINKING
            left = f", about {minutes(max(10, round(seconds, -1)))} left"
        self._progress(f"compiling istiod and pilot-agent [{bar}]{left}")


@dataclass(slots=True)
class Binaries:
    folder: Path = field(default_factory=lambda: Path(compiling.folder()))
    _building: subprocess.Popen[bytes] | None = None
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
    def routing(self) -> Path:
        """What the definitions of the Gateway API say."""
        return self.folder / "gateway-api.json"

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
        return self._sums.exists() and self.schemas.exists() and self.routing.exists()

    def ensure(self, progress: Progress) -> None:
        """Compile what is missing, once even if several ask at the same time."""
        if self._complete():
            return
        cache_folder()
        self.folder.mkdir(exist_ok=True)
        bar = Bar(self.folder / compiling.LOG, progress)
        with (self.folder / compiling.LOCK).open("w") as lock:
            if not try_lock(lock):
                progress("waiting for another process that compiles istiod")
                while not try_lock(lock) and not self._interrupted:
                    bar.look()
                    time.sleep(LOOK)
            if not self._complete() and not self._interrupted:
                self._compile(bar, progress)

    def _compile(self, bar: Bar, progress: Progress) -> None:
        try:
            go = find_go(progress)
        except RuntimeFailure as error:
            raise RuntimeFailure(_explain_failure(str(error))) from None
        if not (self.istiod.exists() and self.agent.exists()):
            progress(
                "compiling istiod and pilot-agent from Istio's Go module: a few minutes, the first time only"
            )
            self._build(go, bar)
        env = compiling.go_environment()
        istio, gateway = (_fetch(go, env, module) for module in (ISTIO_MODULE, GATEWAY_MODULE))
        shutil.copyfile(istio / TEMPLATE, self.bootstrap)
        compact(istio / DEFINITIONS, self.schemas)
        collect([gateway / GATEWAY_DEFINITIONS.format(plural) for plural in ROUTING.values()], self.routing)
        part = self._sums.with_suffix(".new")
        part.write_text(json.dumps(self._digests(), indent=1))
        part.replace(self._sums)
        progress("istiod and pilot-agent are compiled")

    def interrupt(self) -> None:
        """End a compilation that runs in another thread; what Go has compiled stays in Go's own cache."""
        self._interrupted = True
        if self._building is not None:
            compiling.interrupt(self._building)

    def _build(self, go: str, bar: Bar) -> None:
        with compiling.begin_build(go, str(self.folder)) as build:
            self._building = build
            if self._interrupted:
                compiling.interrupt(build)
            while build.poll() is None:
                bar.look()
                time.sleep(LOOK)
        self._building = None
        compiling.end_build(str(self.folder), build.returncode == 0)
        if build.returncode:
            lines = (self.folder / compiling.LOG).read_text().splitlines()
            messages = [line for line in lines if not re.fullmatch(r"[\w./~-]+|go: downloading .*", line)]
            raise RuntimeFailure(_explain_failure("\n".join(messages[-15:])))


def _fetch(go: str, env: dict[str, str], module: str) -> Path:
    """The module's folder in Go's cache, into which it is fetched if it is not there: what is compiled may be older."""
    return Path(json.loads(_output([go, "mod", "download", "-json", module], env))["Dir"])


def _output(command: list[str], env: dict[str, str]) -> str:
    done = subprocess.run(command, cwd=MODULE, env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeFailure(_explain_failure(done.stderr[-1500:]))
    return done.stdout


def _explain_failure(why: str) -> str:
    return (
        f"istiod cannot be compiled:\n{why.strip()}\n"
        "It needs Istio's Go module once, from a Go module proxy. Without network, MESH=off runs what needs no mesh."
    )


if __name__ == "__main__":
    Binaries().ensure(lambda text: print(text, file=sys.stderr, flush=True))  # noqa: T201
