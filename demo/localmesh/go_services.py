"""Services written in Go, compiled when one is first started and kept in the cache by the hash of their sources.

`python -m localmesh.go_services` is what `make check` says of them: gofmt and vet, by the Go that compiles them.
"""

import hashlib
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from machine import compiling
from runtime.api import RuntimeFailure
from runtime.manifests import ROOT

from localmesh.cache import cache_folder
from localmesh.golang import LOOK, Progress, find_go, try_lock

SERVICES = ROOT / "services"
PROTOS = ROOT / "proto" / "figtree"
FLAGS = ("-trimpath", "-ldflags", "-s -w")  # as in the Dockerfile
STUBS = "pb"  # what `go generate` writes, and git does not see
SUFFIX = "-go"  # of the image of a service in Go: figtree/currency-go


def service_of(image: str) -> str:
    """The service whose Go sources make that image; "" for every other image."""
    name = image.rpartition("/")[2].partition(":")[0]
    return name.removesuffix(SUFFIX) if name.endswith(SUFFIX) else ""


def names() -> tuple[str, ...]:
    """The services that have an implementation in Go."""
    return tuple(sorted(path.parent.parent.name for path in SERVICES.glob("*/go/go.mod")))


@dataclass(slots=True)
class GoService:
    """The implementation under services/NAME/go."""

    name: str
    _go: str = ""
    _running: subprocess.Popen[str] | None = None
    _interrupted: bool = False

    @property
    def module(self) -> Path:
        """The folder of its sources."""
        return SERVICES / self.name / "go"

    @property
    def binary(self) -> Path:
        """Where the program of the sources as they are now is, or will be."""
        return cache_folder() / "services" / f"{self.name}-{_digest(self._sources())}"

    def _sources(self) -> list[Path]:
        own = [path for path in self.module.rglob("*.go") if STUBS not in path.relative_to(self.module).parts]
        return sorted([*own, self.module / "go.mod", self.module / "go.sum", *PROTOS.rglob("*.proto")])

    def ensure(self, progress: Progress = lambda _: None) -> Path:
        """The program, compiled if that was never done, once even if several ask. Raises RuntimeFailure."""
        binary = self.binary
        if binary.exists():
            return binary
        binary.parent.mkdir(exist_ok=True)
        with (binary.parent / f"{self.name}.lock").open("w") as lock:
            progress(f"compiling {self.name} from its Go sources: a minute or two, the first time only")
            while not try_lock(lock):  # another process compiles it
                self._heed_interruption()
                time.sleep(LOOK)
            if not binary.exists():
                self._generate(progress)
                with tempfile.TemporaryDirectory(dir=binary.parent) as part:
                    self._run(progress, "build", *FLAGS, "-o", f"{part}/{self.name}", ".")
                    (Path(part) / self.name).rename(binary)
        return binary

    def findings(self, progress: Progress) -> Iterator[str]:
        """What gofmt and vet find."""
        self._generate(progress)
        own = [str(path) for path in self._sources() if path.suffix == ".go"]
        gofmt = Path(self._run(progress, "env", "GOROOT").strip()) / "bin" / "gofmt"
        unformatted = subprocess.run([gofmt, "-l", *own], capture_output=True, text=True, check=False)
        for line in (unformatted.stdout + unformatted.stderr).splitlines():
            yield f"{line}: is not formatted: gofmt -w {line}"
        try:
            self._run(progress, "vet", "./...")
        except RuntimeFailure as error:
            yield str(error)

    def _generate(self, progress: Progress) -> None:
        """The stubs of the contracts, if those in the folder are of others."""
        made_of, stamp = _digest(self._sources()), self.module / STUBS / ".sources"
        if not stamp.exists() or stamp.read_text() != made_of:
            self._run(progress, "generate", ".")
            stamp.parent.mkdir(exist_ok=True)
            stamp.write_text(made_of)

    def _run(self, progress: Progress, *words: str) -> str:
        self._go = self._go or find_go(progress)
        self._heed_interruption()
        env = compiling.go_environment() | {"GOFLAGS": "-mod=readonly -buildvcs=false"}
        with subprocess.Popen(
            [self._go, *words],
            cwd=self.module,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            preexec_fn=compiling.end_with_parent,
            start_new_session=True,
        ) as running:
            self._running = running
            output, _ = running.communicate()
        self._running = None
        if running.returncode:
            lines = [line for line in output.splitlines() if not line.startswith("go: downloading ")]
            raise RuntimeFailure(
                f"services/{self.name}/go: `go {words[0]}` failed:\n" + "\n".join(lines[-15:])
            )
        return output

    def _heed_interruption(self) -> None:
        if self._interrupted:
            raise RuntimeFailure(f"the compilation of {self.name} was interrupted")

    def interrupt(self) -> None:
        """End a compilation that runs in another thread; what Go has compiled stays in Go's own cache."""
        self._interrupted = True
        if (running := self._running) is not None:
            compiling.interrupt(running)


def _digest(paths: list[Path]) -> str:
    digest = hashlib.sha256()
    for path in paths:
        content = path.read_bytes()
        digest.update(f"{path.relative_to(ROOT)} {len(content)}\n".encode() + content)
    return digest.hexdigest()[:16]


def main() -> int:
    """Print what is found; the exit status."""
    found = [text for name in names() for text in GoService(name).findings(_tell)]
    for text in found:
        _tell(text)
    return 1 if found else 0


def _tell(text: str) -> None:
    sys.stdout.write(f"[go] {text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
