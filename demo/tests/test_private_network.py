"""The local mesh in a network of its own, used as everybody uses it: by commands, and from outside at edge and page."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import psutil
import pytest
from localmesh import leftovers, network
from localmesh.instance import directory_of

NAME = f"private-{os.getpid()}"
ENVIRONMENT = os.environ | {
    "FIGTREE_NAME": NAME,
    "RUNTIME": "local",
    "MESH_NETWORK": "private",
    "DWELL": "0.2",
}
FIGTREE = str(Path(sys.executable).with_name("figtree"))
LISTENING = "0A"  # in /proc/net/tcp
CONNECT = """
import socket, sys
for address in sys.argv[1:]:
    host, port = address.rsplit(":", 1)
    with socket.socket() as probe:
        probe.settimeout(2)
        if probe.connect_ex((host, int(port))) == 0:
            print(address)
"""


def figtree(*arguments: str, environment: dict[str, str] = ENVIRONMENT) -> str:
    done = subprocess.run(
        [FIGTREE, *arguments], env=environment, capture_output=True, text=True, check=False, timeout=200
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def instance() -> Iterator[str]:
    if not network.available():
        pytest.fail("this machine allows no network namespaces: what it cannot do is not tried here")
    figtree("up")
    yield NAME
    figtree("down")


def answers(url: str) -> bool:
    try:
        return httpx.get(url, trust_env=False).is_success
    except httpx.TransportError:
        return False


def wait_for(condition: Callable[[], bool]) -> None:
    for _ in range(200):
        if condition():
            return
        time.sleep(0.05)
    pytest.fail("not within 10 s")


def listening() -> list[str]:
    """All addresses in the instance's network on which somebody listens."""
    found = []
    for line in figtree("exec", "--", "cat", "/proc/net/tcp").splitlines()[1:]:
        _, local, _, state, *_ = line.split()
        if state == LISTENING:
            address, port = local.split(":")
            dotted = socket.inet_ntoa(bytes.fromhex(address)[::-1])
            found.append(f"{'127.0.0.1' if dotted == '0.0.0.0' else dotted}:{int(port, 16)}")
    return found


def reached(addresses: list[str], *, inside: bool) -> set[str]:
    """Those at which a connection is accepted: within the network, or by another user of the machine."""
    command = ["/usr/bin/env", "python3", "-c", CONNECT, *addresses]
    if inside:
        return set(figtree("exec", "--", *command).split())
    nobody = 65534 if os.getuid() == 0 else None
    done = subprocess.run(command, user=nobody, capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_another_user_reaches_none_of_its_ports_but_the_edge(instance: str) -> None:
    edge = figtree("edge").strip().removeprefix("http://")
    addresses = listening()
    for port in (
        5432,
        4222,
        4318,
        8001,
        15000,
        15012,
        15014,
    ):  # databases, telemetry, API server, Envoy, istiod
        assert any(address.endswith(f":{port}") for address in addresses), port
    assert reached(addresses, inside=True) == set(addresses)
    assert reached(addresses, inside=False) == {edge}


def test_the_edge_answers_outside_and_many_at_once(instance: str) -> None:
    edge = figtree("edge").strip()
    with httpx.Client(base_url=edge, trust_env=False, timeout=20) as client, ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _: client.get("/api/titles", params={"page_size": 50}), range(200)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.content for answer in answers}) == 1


def test_a_client_that_goes_away_leaves_no_connection(instance: str) -> None:
    host, _, port = figtree("edge").strip().removeprefix("http://").partition(":")
    (supervisor,) = leftovers.supervisors(directory_of(NAME))

    before = supervisor.num_fds()
    for _ in range(50):
        with socket.create_connection((host, int(port))) as going:
            going.sendall(b"GET /api/titles HTTP/1.1\r\nhost: x\r\n\r\n")
    assert answers(f"http://{host}:{port}/api/titles")
    wait_for(lambda: supervisor.num_fds() <= before + 2)


def test_commands_enter_it(instance: str) -> None:
    assert "0-monolith" in figtree("status")
    assert " 0 failed, 0 wrong" in figtree("load", "--rate", "20", "--seconds", "3")


def test_a_program_can_listen_there_and_be_found_outside(instance: str, tmp_path: Path) -> None:
    (tmp_path / "found").write_text("inside")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    served = ["http.server", str(port), "--bind", "127.0.0.1", "--directory", str(tmp_path)]
    command = [FIGTREE, "exec", "--publish", str(port), "--", sys.executable, "-m", *served]
    with subprocess.Popen(
        command, env=ENVIRONMENT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as running:
        try:
            wait_for(lambda: answers(f"http://127.0.0.1:{port}/found"))
            assert httpx.get(f"http://127.0.0.1:{port}/found", trust_env=False).text == "inside"
            assert f"127.0.0.1:{port}" in listening()
        finally:
            for child in psutil.Process(running.pid).children():
                child.terminate()
            running.wait(20)


def test_after_its_supervisor_was_killed_it_goes_on_in_a_new_one(instance: str) -> None:
    edge = figtree("edge")
    (supervisor,) = leftovers.supervisors(directory_of(NAME))
    supervisor.kill()
    supervisor.wait(5)
    figtree("up")
    assert figtree("edge") == edge
    assert httpx.get(f"{edge.strip()}/api/titles", trust_env=False).status_code == 200
    assert "0-monolith" in figtree("status")


def test_the_files_of_an_instance_are_closed_to_others(instance: str) -> None:
    root = directory_of(NAME)
    for entry in root.iterdir():
        open_to_others = entry.lstat().st_mode & 0o077
        assert entry.name == "postgres" or not open_to_others, f"{entry} is {entry.lstat().st_mode:o}"


def test_where_the_machine_allows_none_a_private_network_is_refused_before_anything_starts() -> None:
    """MESH_NETWORK=auto would go on, and say that ports are shared."""
    refused = "import localmesh.network as n; n.available = lambda: False; from cli.__main__ import app; app(['up'])"
    done = subprocess.run(
        [sys.executable, "-c", refused],
        env=ENVIRONMENT | {"FIGTREE_NAME": f"none-{os.getpid()}"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 1
    assert "MESH_NETWORK=private: this machine allows its users no network namespaces" in done.stderr
    assert not directory_of(f"none-{os.getpid()}").exists()
