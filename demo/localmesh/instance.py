"""One instance of the local runtime: its directory, its loopback addresses, its ports."""

import contextlib
import errno
import fcntl
import hashlib
import os
import re
import secrets
import shutil
import socket
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path

from machine import folders
from runtime.api import RuntimeFailure

MARKER = "FIGTREE_INSTANCE"
STUB_PORT = 8001


def directory_of(name: str) -> Path:
    """A short path: a Unix socket's may have 107 characters."""
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,23}", name):
        raise RuntimeFailure(f"{name!r} is no name for an instance: lower case letters, digits, dashes")
    return Path(folders.instances()) / f"figtree-{os.getuid()}-{name}"


@dataclass(slots=True)
class Instance:
    name: str
    mesh: bool
    root: Path
    private: bool = False  # in a network of its own
    block: str = ""  # 127.A.B
    edge_port: int = 0
    page_port: int = 0
    page_key: str = field(default_factory=secrets.token_urlsafe)
    page_listener: socket.socket | None = None
    edge_listener: socket.socket | None = None  # where the edge's port is not the gateway's own
    ports: dict[str, int] = field(default_factory=dict)
    held: list[socket.socket] = field(default_factory=list)
    lock: int = -1

    @property
    def control_socket(self) -> Path:
        return self.root / "run" / "control.sock"

    def ip(self, last: int) -> str:
        return f"{self.block}.{last}"

    @property
    def istiod_ip(self) -> str:
        return self.ip(2)

    @property
    def postgres_ip(self) -> str:
        return self.ip(3)

    @property
    def nats_ip(self) -> str:
        return self.ip(4)

    @property
    def ingress_ip(self) -> str:
        return self.ip(5)

    @property
    def unused_ip(self) -> str:
        return self.ip(6)

    @property
    def telemetry_ip(self) -> str:
        return self.ip(7)

    def listen(self, ip: str, port: str) -> socket.socket:
        listener = _bind(ip, self.ports[port])
        listener.listen(64)
        return listener

    def open(self) -> None:
        """Make the directory and lock it; another supervisor of the same name cannot."""
        with contextlib.suppress(FileExistsError):
            self.root.mkdir(mode=0o711)
        status = self.root.lstat()
        if status.st_uid != os.getuid() or self.root.is_symlink():
            raise RuntimeFailure(f"{self.root} belongs to someone else")
        self.root.chmod(0o711)
        self.lock = os.open(self.root, os.O_RDONLY | os.O_CLOEXEC)
        try:
            fcntl.flock(self.lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise RuntimeFailure(f"{self.name} is already running ({self.root})") from None

    def clear(self, keep: Collection[str] = ()) -> None:
        """Forget what an earlier supervisor left, but for the names to keep."""
        for entry in self.root.iterdir():
            if entry.name in keep:
                continue
            if entry.is_dir():
                shutil.rmtree(entry)
            elif entry.name != "supervisor.log":
                entry.unlink()
        for name in ("run", "secrets", "mesh", "proxies", "logs"):
            (self.root / name).mkdir(mode=0o700)

    def take_ports(self, edge: int = 0, page: int = 0) -> None:
        """The ports at which users find the edge and the page: free ones, or those of an earlier supervisor. Raises
        RuntimeFailure if another program has one of them now."""
        relayed = self.private or not self.mesh
        self.page_listener, self.page_port = self._take_port(page, 7070)
        self.page_listener.listen(64)
        # For the ingress gateway it is bound but not listening: Envoy, which shares ports, can have it.
        holder, self.edge_port = self._take_port(edge, 8080, share=not relayed)
        if relayed:
            holder.listen(1024)
            self.edge_listener = holder

    def _take_port(self, wanted: int, first: int, *, share: bool = False) -> tuple[socket.socket, int]:
        for port in [wanted] if wanted else range(first, first + 1000):
            try:
                taken = _bind("127.0.0.1", port, share=share)
            except OSError:
                continue
            self.held.append(taken)
            return taken, port
        if wanted:
            raise self._taken(f"127.0.0.1:{wanted}")
        raise RuntimeFailure(f"no free port from {first} to {first + 999} on 127.0.0.1")

    def take_block(self, block: str = "", ports: dict[str, int] | None = None) -> socket.socket:
        """The block of an earlier supervisor, or a free one with standard ports; the listening socket on its first
        address, returned, keeps it ours. Raises RuntimeFailure if another program has that address now."""
        seed = int.from_bytes(hashlib.sha256(str(self.root).encode()).digest()[:4], "big")
        for attempt in range(4096):
            number = (seed + attempt * 7919) % (120 * 254)
            self.block = block or f"127.{number // 254 + 4}.{number % 254 + 1}"
            try:
                control = _bind(self.ip(1), STUB_PORT)
            except OSError as error:
                if block:
                    raise self._taken(f"{block}.1:{STUB_PORT}") from error
                if error.errno == errno.EADDRINUSE:
                    continue
                raise
            control.listen(64)
            self.held.append(control)
            self.ports = dict(ports) if ports else self._standard_ports()
            return control
        raise RuntimeFailure("no free block of loopback addresses")

    def _standard_ports(self) -> dict[str, int]:
        """On our own addresses, unless somebody listens on that port of every address."""
        wanted = {
            "postgres": 5432,
            "nats": 4222,
            "xds": 15010,
            "secure-xds": 15012,
            "monitoring": 15014,
            "webhook": 15017,
            "istiod": 8080,
            "ctrlz": 9876,
            "admin": 15000,
            "http": 8080,
            "grpc": 50051,
            "otlp": 4318,
        }
        return {
            name: next(p for p in range(port, 65536, 1000) if _is_free(self.unused_ip, p))
            for name, port in wanted.items()
        }

    def _taken(self, address: str) -> RuntimeFailure:
        return RuntimeFailure(
            f"{self.name} was killed and cannot go on: another program has taken {address}: end that program, or give"
            " everything up with `figtree down`"
        )

    def close(self, *, keep: bool) -> None:
        if not keep:
            shutil.rmtree(self.root, ignore_errors=True)
        for held in self.held:
            held.close()
        os.close(self.lock)


def _bind(ip: str, port: int, *, share: bool = False) -> socket.socket:
    probe = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        if share and not _is_free(ip, port):
            raise OSError(errno.EADDRINUSE, f"{ip}:{port} is taken")
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT if share else socket.SO_REUSEADDR, 1)
        probe.bind((ip, port))
    except OSError:
        probe.close()
        raise
    return probe


def _is_free(ip: str, port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((ip, port))
            probe.listen(1)
        except OSError:
            return False
    return True
