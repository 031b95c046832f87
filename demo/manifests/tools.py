"""Programs and definitions that the checks need, from Go modules, once, into the cache."""

import fcntl
import hashlib
import json
import subprocess
import tempfile
from pathlib import Path

from localmesh.cache import cache_folder
from localmesh.golang import find_go
from machine.compiling import go_environment

MODULES = Path(__file__).with_name("tools")
PROGRAMS = {
    "actionlint": "github.com/rhysd/actionlint/cmd/actionlint",
    "kustomize": "sigs.k8s.io/kustomize/kustomize/v5",
    "istioctl": "istio.io/istio/istioctl/cmd/istioctl",
}


class ToolMissing(Exception):
    pass


def tell(text: str) -> None:
    print(f"[tools] {text}", flush=True)


def program(name: str) -> Path:
    """Compiled at its first use; its module says which version."""
    return compiled(name, MODULES / name, PROGRAMS[name])


def compiled(name: str, module: Path, package: str = ".") -> Path:
    """The program that a package of a Go module makes. The module's own files are in its file name, so that two
    checkouts of this repository keep one each."""
    sums = b"".join(path.read_bytes() for path in [module / "go.sum", *sorted(module.glob("*.go"))])
    folder = cache_folder() / "tools"
    folder.mkdir(exist_ok=True)
    made = folder / f"{name}-{hashlib.sha256(sums).hexdigest()[:12]}"
    with (folder / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists():
            tell(
                f"compiling {name} from its Go module (once; istioctl takes minutes, and istiod less after it)"
            )
            part = made.with_suffix(".new")
            flags = ["-trimpath", "-ldflags", "-s -w", "-o", str(part)]
            _run([find_go(tell), "build", *flags, package], module, {"GOFLAGS": "-mod=readonly"})
            part.replace(made)
    return made


def module_folder(name: str, version: str) -> Path:
    """Where the files of a Go module are; fetched if they are not there."""
    with tempfile.TemporaryDirectory() as empty:
        answer = _run([find_go(tell), "mod", "download", "-json", f"{name}@{version}"], Path(empty), {})
    return Path(json.loads(answer)["Dir"])


def _run(command: list[str], folder: Path, more: dict[str, str]) -> str:
    env = go_environment() | more
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ToolMissing(f"{' '.join(command[:4])}: {(done.stderr or done.stdout).strip()[-1500:]}")
    return done.stdout
