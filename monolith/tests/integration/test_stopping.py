"""SIGTERM under load, on a real process."""

import asyncio
import signal
import time
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from tests.support.processes import answers_http, command, free_port, running

ORDER = {"currency": "EUR", "lines": [{"title_id": "t-000001", "quantity": 1}]}


async def load(port: int, until: asyncio.Event, failures: list[str]) -> int:
    """Orders one after the other over connections that are kept, as a sidecar would; counts those that are stored."""
    customer, stored = f"c-{uuid4().hex[:12]}", 0
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:
        while not until.is_set():
            headers = {"idempotency-key": f"k-{stored}"}
            try:
                answer = await client.post(
                    "/api/orders", json={**ORDER, "customer_id": customer}, headers=headers
                )
            except httpx.HTTPError as error:
                failures.append(repr(error))
                return stored
            if answer.status_code != 201:
                failures.append(answer.text)
            stored += 1
    return stored


@pytest.mark.alone
async def test_no_request_is_lost_when_the_process_is_told_to_stop(seeded_url: str, tmp_path: Path) -> None:
    port = free_port()
    settings = {"DATABASE_URL": seeded_url, "LISTEN": f"127.0.0.1:{port}"}
    with running(command("monolith"), tmp_path / "log", answers_http(port), **settings) as process:
        noticed, failures = asyncio.Event(), list[str]()
        callers = [asyncio.create_task(load(port, noticed, failures)) for _ in range(8)]
        await asyncio.sleep(1)
        process.send_signal(signal.SIGTERM)
        await asyncio.sleep(0.2)
        async with httpx.AsyncClient(trust_env=False) as client:
            health = await client.get(f"http://127.0.0.1:{port}/healthz")
        assert (health.status_code, health.headers["connection"]) == (503, "close")
        await asyncio.sleep(0.5)
        noticed.set()
        stored = await asyncio.gather(*callers)
        assert failures == []
        assert all(stored)
        assert await asyncio.to_thread(process.wait, 5) == 0
    assert '"error"' not in (tmp_path / "log").read_text()


@pytest.mark.alone
async def test_a_stream_does_not_hold_the_process_for_long(seeded_url: str, tmp_path: Path) -> None:
    port = free_port()
    settings = {"DATABASE_URL": seeded_url, "LISTEN": f"127.0.0.1:{port}", "FULFILMENT_DELAY": "3600"}
    with running(command("monolith"), tmp_path / "log", answers_http(port), **settings) as process:
        async with httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{port}", timeout=20, trust_env=False
        ) as client:
            order = {**ORDER, "customer_id": f"c-{uuid4().hex[:12]}"}
            placed = await client.post("/api/orders", json=order, headers={"idempotency-key": "k"})
            async with client.stream("GET", f"{placed.headers['location']}/events") as events:
                begun = time.monotonic()
                process.send_signal(signal.SIGTERM)
                with pytest.raises(httpx.HTTPError):
                    await events.aread()
        assert await asyncio.to_thread(process.wait, 5) == 0
        assert time.monotonic() - begun < 11


async def test_serves_on_a_unix_socket(seeded_url: str, tmp_path: Path) -> None:
    path = tmp_path / "socket"
    settings = {"DATABASE_URL": seeded_url, "LISTEN": f"unix:{path}"}
    with running(command("monolith"), tmp_path / "log", path.exists, **settings):
        transport = httpx.AsyncHTTPTransport(uds=str(path))
        async with httpx.AsyncClient(transport=transport, base_url="http://monolith") as client:
            assert (await client.get("/api/titles/t-000001")).status_code == 200
