"""Services as forks of one process that has their libraries."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
from localmesh.prefork_client import Prefork, PreforkedProcess
from localmesh.process import adopt_orphans


@pytest.fixture
async def prefork() -> AsyncIterator[Prefork]:
    adopt_orphans()
    opened = Prefork(dict(os.environ))
    opened.open()
    yield opened
    opened.close()
    adopt_orphans(False)  # other tests start supervisors that belong to nobody


async def _spawn(prefork: Prefork, folder: Path, *command: str, **env: str) -> PreforkedProcess:
    with (folder / "log").open("ab") as log:
        return await prefork.spawn(["bin/" + command[0], *command[1:]], env, folder, log.fileno())


async def test_runs_a_console_script_with_its_arguments_and_its_log(prefork: Prefork, tmp_path: Path) -> None:
    child = await _spawn(prefork, tmp_path, "title", "--help")
    assert await child.wait() == 0
    assert (tmp_path / "log").read_text().startswith("usage: title")


async def test_tells_the_status_of_one_that_fails(prefork: Prefork, tmp_path: Path) -> None:
    child = await _spawn(prefork, tmp_path, "title", "serve")  # without the setting it needs
    assert await child.wait() == 1
    assert "database_url" in (tmp_path / "log").read_text()


async def test_a_child_has_its_own_environment_folder_and_title(prefork: Prefork, tmp_path: Path) -> None:
    listen = f"unix:{tmp_path}/title.sock"
    child = await _spawn(
        prefork, tmp_path, "title", DATABASE_URL="postgresql://a:b@127.0.0.1:1/c", LISTEN=listen
    )
    for _ in range(400):
        if f"serving on {listen}" in (tmp_path / "log").read_text():
            break
        await asyncio.sleep(0.05)
    process = psutil.Process(child.pid)
    assert process.cwd() == str(tmp_path)
    assert process.cmdline()[0] == "title"
    assert process.ppid() == os.getpid()
    assert os.getpgid(child.pid) == child.pid
    child.send_signal(signal.SIGTERM)
    assert await child.wait() == 0
    assert child.returncode == 0


async def test_a_prefork_that_dies_while_it_is_asked_is_replaced_and_asked_again(
    prefork: Prefork, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await (await _spawn(prefork, tmp_path, "title", "--help")).wait()
    ask, before = prefork._ask, prefork.pid
    assert before is not None

    def dies_first(request: bytes, log: int) -> int:
        if prefork.pid == before:
            os.kill(before, signal.SIGKILL)
            psutil.wait_procs([psutil.Process(before)], timeout=5)
        return ask(request, log)

    monkeypatch.setattr(prefork, "_ask", dies_first)
    assert await (await _spawn(prefork, tmp_path, "title", "--help")).wait() == 0


async def test_a_nursery_that_died_is_replaced_and_its_children_live_on(
    prefork: Prefork, tmp_path: Path
) -> None:
    listen = f"unix:{tmp_path}/title.sock"
    child = await _spawn(
        prefork, tmp_path, "title", DATABASE_URL="postgresql://a:b@127.0.0.1:1/c", LISTEN=listen
    )
    before = prefork.pid
    assert before is not None
    os.kill(before, signal.SIGKILL)
    psutil.wait_procs([psutil.Process(before)], timeout=5)
    other = await _spawn(prefork, tmp_path, "title", "--help")
    assert await other.wait() == 0
    assert prefork.pid != before
    assert child.returncode is None
    os.kill(child.pid, signal.SIGKILL)
    assert await child.wait() == -signal.SIGKILL


async def test_a_child_whose_supervisor_is_gone_before_it_begins_ends_at_once() -> None:
    gone = await asyncio.create_subprocess_exec(sys.executable, "-c", "")
    await gone.wait()
    code = f"from localmesh.prefork import _run_child; _run_child({{}}, 0, {gone.pid})"
    child = await asyncio.create_subprocess_exec(sys.executable, "-c", code)
    try:
        async with asyncio.timeout(10):
            assert await child.wait() == 1
    finally:
        with suppress(ProcessLookupError):
            child.kill()
