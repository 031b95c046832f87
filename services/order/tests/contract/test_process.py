"""The process as it is started: its commands, its health, its end."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from tests.support.postgres import Postgres


@pytest.fixture
def environment(postgres: Postgres, tmp_path: Path) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "DATABASE_URL": postgres.create("order_process"),
        "LISTEN": f"unix:{tmp_path}/s",
        "NATS_URL": "nats://127.0.0.1:1",
        "PRICING_ADDRESS": "127.0.0.1:1",
        "CUSTOMER_ADDRESS": "127.0.0.1:1",
    }


@pytest.fixture
def process(environment: dict[str, str], tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-m", "order"]
    subprocess.run([*command, "migrate"], env=environment, cwd=tmp_path, check=True)
    process = subprocess.Popen(command, env=environment, cwd=tmp_path, stderr=subprocess.PIPE)
    yield process
    process.kill()
    process.communicate()


def test_it_serves_without_nats_and_neighbours_and_stops_when_told(
    process: subprocess.Popen[bytes], environment: dict[str, str]
) -> None:
    with grpc.insecure_channel(environment["LISTEN"]) as channel:
        health = health_pb2_grpc.HealthStub(channel)
        for service in ("", "figtree.order.v1.OrderService"):
            request = health_pb2.HealthCheckRequest(service=service)
            answer = health.Check(request, timeout=20, wait_for_ready=True)  # type: ignore[attr-defined]
            assert answer.status == 1
    started = time.monotonic()
    process.send_signal(signal.SIGTERM)
    _, log = process.communicate(timeout=15)
    assert process.returncode == 0, log
    assert time.monotonic() - started < 10
    assert log.count(b"until NATS is back") == 1
    assert b'"message": "stopped"' in log.splitlines()[-1]


@pytest.mark.parametrize("arguments", [["import"], ["serve", "twice"]])
def test_it_knows_no_other_commands(arguments: list[str], environment: dict[str, str]) -> None:
    done = subprocess.run([sys.executable, "-m", "order", *arguments], env=environment, capture_output=True)
    assert done.returncode == 2
    assert b"usage: order [-h] [{serve,migrate}]" in done.stderr


def test_without_a_database_url_it_does_not_start() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "order"], env={"PATH": os.environ["PATH"]}, capture_output=True
    )
    assert done.returncode != 0
    assert b"database_url" in done.stderr
