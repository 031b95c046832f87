"""NATS with JetStream."""

import asyncio
import secrets
import sys
from dataclasses import dataclass, field
from pathlib import Path

from localmesh.events import Events
from localmesh.process import Process


@dataclass(slots=True)
class Nats:
    folder: Path
    ip: str
    port: int
    base_env: dict[str, str]
    log: Path
    events: Events
    token: str = field(default_factory=lambda: secrets.token_urlsafe(24), repr=False)
    process: Process | None = None

    @property
    def url(self) -> str:
        return f"nats://{self.token}@{self.ip}:{self.port}"

    async def start(self) -> None:
        self.folder.mkdir(mode=0o700, exist_ok=True)
        config = self.folder / "nats.conf"
        config.touch(mode=0o600)
        config.write_text(
            f'host: "{self.ip}"\nport: {self.port}\nauthorization {{ token: "{self.token}" }}\n'
            f'jetstream {{ store_dir: "{self.folder}", max_mem: 64M, max_file: 4G }}\n'
        )
        command = [str(Path(sys.executable).with_name("nats-server")), "-c", str(config)]
        env = self.base_env | {"GOMEMLIMIT": "64MiB", "GOGC": "50", "GOMAXPROCS": "2"}
        self.process = Process("nats", command, env, self.log, self.events, cwd=self.folder)
        await self.process.start()
        await self.process.until(self.answers, 10)
        self.events.add("ready", "nats", f"{self.ip}:{self.port}")

    async def answers(self) -> bool:
        try:
            reader, writer = await asyncio.open_connection(self.ip, self.port)
        except OSError:
            return False
        try:
            return (await reader.readline()).startswith(b"INFO")
        finally:
            writer.close()
