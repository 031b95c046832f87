"""A network of an instance's own: its ports are out of reach of the machine's other users.

Linux gives a process and its children a network namespace with a loopback interface of its own. root may ask for one;
other users get it together with a user namespace, in which they stay who they are. Not every machine allows it:
containers and hardened systems often do not.
"""

import fcntl
import os
import socket
import struct
import time
from pathlib import Path

from runtime.api import RuntimeFailure

from localmesh.instance import directory_of
from localmesh.leftovers import supervisors

CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000  # <linux/sched.h>
SIOCSIFFLAGS, IFF_UP = 0x8914, 1  # <linux/sockios.h>, <linux/if.h>


def available() -> bool:
    """Whether this machine allows this user a network of its own."""
    if (child := os.fork()) == 0:
        try:
            isolate()
        except (OSError, ImportError):
            os._exit(1)
        os._exit(0)
    return os.waitpid(child, 0)[1] == 0


def isolate() -> None:
    """Give this process a network with nothing but a loopback interface. Only for a process that has one thread.
    Raises OSError where the machine does not allow it."""
    user, group = os.getuid(), os.getgid()
    _call("unshare", CLONE_NEWNET if user == 0 else CLONE_NEWNET | CLONE_NEWUSER)
    if user != 0:
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"{user} {user} 1")
        Path("/proc/self/gid_map").write_text(f"{group} {group} 1")
    with socket.socket() as any_socket:
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sH22x", b"lo", IFF_UP))


def enter(name: str) -> bool:
    """Join the network of the instance of that name; False if none runs, or if its network is the one of this process.
    Only for a process that has one thread. Raises RuntimeFailure where the machine refuses."""
    if (supervisor := _listening(directory_of(name))) is None:
        return False
    namespaces = Path(f"/proc/{supervisor}/ns")
    try:
        kinds = [kind for kind in ("user", "net") if not _is_same(namespaces / kind)]
        opened = [os.open(namespaces / kind, os.O_RDONLY | os.O_CLOEXEC) for kind in kinds]
        for namespace in opened:
            _call("setns", namespace, 0)
            os.close(namespace)
    except FileNotFoundError:  # it has just ended
        return False
    except OSError as error:
        raise RuntimeFailure(f"the network of {name} cannot be entered: {error.strerror}") from error
    return "net" in kinds


def _listening(root: Path) -> int | None:
    """The process of the instance's supervisor; one that is just starting is waited for until it has its network."""
    while root.exists() and (found := supervisors(root)):
        if (root / "run" / "control.sock").exists():
            return found[0].pid
        time.sleep(0.05)
    return None


def _is_same(namespace: Path) -> bool:
    return namespace.readlink() == Path("/proc/self/ns", namespace.name).readlink()


def _call(function: str, *arguments: int) -> None:
    import ctypes  # Debian's smallest Python has none: it has no private network then

    if getattr(ctypes.CDLL(None, use_errno=True), function)(*arguments):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
