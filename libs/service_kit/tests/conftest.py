import contextlib
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from grpc import aio
from service_kit.channel import open_channel


@dataclass
class Example:
    """A server process of its own."""

    process: subprocess.Popen[bytes]
    address: str
    log_file: Path

    def log(self) -> str:
        return self.log_file.read_text()


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Example]]:
    with contextlib.ExitStack() as stopping:

        def started(max_concurrent: int = 1000) -> Example:
            address, log = f"unix:{tmp_path}/example", tmp_path / "log"
            command: list[Any] = [
                sys.executable,
                Path(__file__).with_name("example.py"),
                address,
                str(max_concurrent),
            ]
            with log.open("wb") as output:
                process = subprocess.Popen(command, stderr=output)
            stopping.callback(process.wait, 15)
            stopping.callback(process.terminate)
            return Example(process, address, log)

        yield started


@pytest.fixture
def example(start: Callable[..., Example]) -> Example:
    return start()


@pytest.fixture
async def channel(example: Example) -> AsyncIterator[aio.Channel]:
    async with open_channel(example.address) as opened:
        await opened.channel_ready()
        yield opened
