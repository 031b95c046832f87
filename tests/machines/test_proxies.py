"""Every proxy variable is set, as on a company's laptop: downloads use them, calls on this machine do not."""

import ast
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.system

ROOT = Path(__file__).resolve().parents[2]
FIGTREE = str(Path(sys.executable).with_name("figtree"))
PROXIES = ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "grpc_proxy")
SOURCES = [
    path
    for folder in ("demo", "services", "libs", "monolith", "loadtests", "benchmarks", "tests", "k8s")
    for path in (ROOT / folder).rglob("*.py")
    if not {"node_modules", ".venv"} & set(path.parts)
]
CLIENTS = {"AsyncClient", "Client", "get", "post", "request", "stream"}


@pytest.fixture(scope="module")
def environment() -> Iterator[dict[str, str]]:
    """All proxies lead to a port on which nobody listens, half of them by a scheme that needs a package we have not."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{closed.getsockname()[1]}"
        env = {name: value for name, value in os.environ.items() if name.lower() != "no_proxy"}
        for name in PROXIES:
            env[name] = f"{'socks5' if 'all' in name.lower() else 'http'}://{address}"
        yield env | {"FIGTREE_NAME": f"proxies-{os.getpid()}", "RUNTIME": "local", "DWELL": "0.2"}


def figtree(environment: dict[str, str], *arguments: str) -> str:
    done = subprocess.run(
        [FIGTREE, *arguments], env=environment, capture_output=True, text=True, check=False, timeout=200
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def system(environment: dict[str, str]) -> Iterator[dict[str, str]]:
    figtree(environment, "up")
    yield environment
    figtree(environment, "down")


def test_the_load_does_not_go_through_a_proxy(system: dict[str, str]) -> None:
    assert ", 0 failed, 0 wrong," in figtree(system, "load", "--seconds", "3", "--rate", "40")


def test_a_step_with_its_mirror_does_not_go_through_a_proxy(system: dict[str, str]) -> None:
    assert "shape 1-currency" in figtree(system, "step", "1-currency")


def test_a_scene_with_grpc_calls_does_not_go_through_a_proxy(system: dict[str, str]) -> None:
    figtree(system, "step", "5-no-monolith")
    figtree(system, "scene", "run", "authorization")


def test_every_http_client_is_told_to_take_no_proxy_from_the_environment() -> None:
    wrong = []
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
                continue
            owner = node.func.value
            if not (isinstance(owner, ast.Name) and owner.id == "httpx" and node.func.attr in CLIENTS):
                continue
            given = {one.arg: one.value for one in node.keywords}
            direct = isinstance(given.get("trust_env"), ast.Constant) and not given["trust_env"].value  # type: ignore[attr-defined]
            if not direct and "transport" not in given and None not in given:
                wrong.append(f"{path.relative_to(ROOT)}:{node.lineno}")
    assert wrong == []


def test_every_grpc_channel_of_the_product_is_told_to_take_no_proxy_from_the_environment() -> None:
    products = [path for path in SOURCES if "tests" not in path.relative_to(ROOT).parts]
    opening = [path for path in products if "secure_channel(" in path.read_text()]
    assert len(opening) >= 4
    assert [path for path in opening if '"grpc.enable_http_proxy"' not in path.read_text()] == []


def test_urllib_is_used_past_the_proxies_or_for_downloads_only() -> None:
    downloads = {"demo/machine/pythons.py", "tests/page/browser.py", "tests/support/processes.py"}
    found = {
        str(path.relative_to(ROOT))
        for path in SOURCES
        if "urlopen(" in path.read_text().replace('"urlopen(', "")
    }
    assert found - downloads == set()
