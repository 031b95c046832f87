"""`python -m manifests.check`: every manifest renders and is valid, and Istio, checkov and actionlint find nothing."""

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from runtime.manifests import ROOT

from manifests import analysis, render, schemas
from manifests.tools import program

CHECKOV = "checkov==3.3.30"
LOCKED_AT = "2026-11-20"  # what checkov itself needs is taken as it was on that day


def rendering() -> Iterator[str]:
    for folder in render.folders():
        try:
            render.text(folder)
        except ValueError as error:
            yield str(error)


def schema() -> Iterator[str]:
    wrong = schemas.checker()
    sources = {folder.relative_to(ROOT): render.objects(folder) for folder in render.folders()}
    sources |= {path.relative_to(ROOT): render.read(path) for path in render.istio_files()}
    seen: set[str] = set()
    for source, items in sources.items():
        for item in items:
            if str(item) not in seen:
                seen.add(str(item))
                yield from (
                    f"{source}: {item['kind']} {item['metadata']['name']}: {text}" for text in wrong(item)
                )


def lint(uv: str) -> Iterator[str]:
    """checkov on what kind gets; what is waived stands with its reason in k8s/checkov.yaml."""
    with tempfile.TemporaryDirectory() as folder:
        rendered = Path(folder) / "rendered.yaml"
        parts = (
            render.K8S / "overlays" / "kind" / "4-order",
            *analysis.CANARIES,
            render.K8S / "load",
        )
        rendered.write_text("---\n".join(render.text(part) for part in parts))
        command = [uv, "tool", "run", "--quiet", "--exclude-newer", LOCKED_AT, "--from", CHECKOV, "checkov"]
        command += ["--config-file", str(render.K8S / "checkov.yaml"), "-f", str(rendered)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        yield (done.stdout.strip() or done.stderr.strip())[-3000:]


def workflows() -> Iterator[str]:
    """actionlint on .github/workflows, without the linters that a machine happens to have."""
    command = [str(program("actionlint")), "-oneline", "-shellcheck=", "-pyflakes="]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    found = done.stdout.splitlines()
    yield from found
    if done.returncode and not found:
        yield done.stderr.strip()


def main() -> int:
    uv = sys.argv[1] if len(sys.argv) > 1 else "uv"
    checks: dict[str, Callable[[], Iterator[str]]] = {
        "renders": rendering,
        f"schemas of Kubernetes {schemas.KUBERNETES} and Istio": schema,
        "istioctl analyze": analysis.findings,
        "actionlint": workflows,
        CHECKOV: lambda: lint(uv),
    }
    failed = 0
    for name, check in checks.items():
        begun = time.monotonic()
        found = list(check())
        failed += len(found)
        print(f"[manifests] {name}: {len(found)} findings, {time.monotonic() - begun:.1f} s", flush=True)
        for text in found:
            print(f"  {text}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
