import asyncio
import json
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from loadtests.verdict import Verdict

from loadtests import ledger
from tests.support.standin import StandIn


@asynccontextmanager
async def serving(standin: StandIn) -> AsyncIterator[int]:
    """The port that it listens on."""
    server = uvicorn.Server(uvicorn.Config(standin.app, port=0, log_level="error", ws="none", lifespan="off"))
    task = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    yield int(server.servers[0].sockets[0].getsockname()[1])
    server.should_exit = True
    await task


@dataclass(frozen=True)
class Run:
    status: int
    verdict: Verdict
    ledger: ledger.Entries
    messages: list[str]
    log: str


Runner = Callable[..., Awaitable[Run]]


@pytest.fixture
def load(tmp_path: Path) -> Runner:
    """Runs `python -m loadtests` against a URL."""

    async def run(url: str, *, rate: int = 100, seconds: float = 2, processes: int = 1) -> Run:
        files: list[Any] = ["--ledger", tmp_path / "ledger", "--failures", tmp_path / "failures"]
        numbers = ["--rate", str(rate), "--seconds", str(seconds), "--processes", str(processes)]
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "loadtests",
            "--host",
            url,
            *numbers,
            *files,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        output, log = await process.communicate()
        assert process.returncode is not None
        verdict = Verdict.from_report(json.loads(output))
        messages = [json.loads(line)["message"] for line in (tmp_path / "failures").read_text().splitlines()]
        entries = ledger.read(tmp_path / "ledger")
        return Run(process.returncode, verdict, entries, messages, log.decode())

    return run


@pytest.fixture
def standin() -> Callable[[StandIn], Any]:
    return serving
