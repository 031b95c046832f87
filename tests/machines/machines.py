"""The machines on which Figtree is tried here: this one, with something changed."""

import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

PYENV = Path("~/.pyenv/versions").expanduser()
PLAIN = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
OF_A_USER = ("unshare", "--user", "--map-root-user")
NAMESPACES = ("unshare",) if os.getuid() == 0 else OF_A_USER


@dataclass(frozen=True, slots=True)
class Machine:
    """What is changed, and what is expected: it works, or the last line says this."""

    name: str
    environment: Mapping[str, str | None] = field(default_factory=dict)  # None: not set
    without: tuple[str, ...] = ()  # programs
    older: Mapping[str, str] = field(default_factory=dict)  # programs that say this, whatever they are asked
    python: str = ""
    folder: str = ""  # a copy of the checkout under this name, without .git
    before: tuple[str, ...] = ()  # what the command runs under
    umask: int = 0o022
    refused: str = ""  # a regular expression
    user: str = ""  # with a home of its own, and with what root has compiled
    beside: str = ""  # another user, who does the same at the same time
    whole: bool = True  # or by the look alone, as it would have to compile istiod
    fast: bool = False  # tried in `make test`, by the look alone
    needs: Callable[[], bool] = bool  # whether it can be had here; by default it can

    def can_be_had(self) -> bool:
        return self.needs is bool or self.needs()


def _namespaces() -> bool:
    return os.system(" ".join((*NAMESPACES, "--mount", "--net", "true 2>/dev/null"))) == 0


def _limits() -> bool:
    return os.system(" ".join((*OF_A_USER, "true 2>/dev/null"))) == 0


def _root() -> bool:
    return os.getuid() == 0


def _pythons() -> list[Machine]:
    found = []
    for path in sorted(PYENV.glob("3.*/bin/python3")):
        version = path.parts[-3]
        minor = int(version.split(".")[1])
        alone = (
            ""
            if minor >= 11
            else rf"Python {version} is too old \(supported: 3\.11 to 3\.14\).*install Python 3\.13"
        )
        found.append(
            Machine(f"Python {version} alone", python=str(path), refused=alone, folder="demo", fast=True)
        )
    debian = Path("/usr/bin/python3.11")
    if debian.exists():
        found.append(Machine("Debian 12's Python 3.11.2", python=str(debian), folder="demo", fast=True))
    return found


def _debian(suite: str, python: str) -> tuple[str, ...]:
    return (str(Path(__file__).with_name("debian")), suite, python)


def _debootstrap() -> bool:
    return os.getuid() == 0 and shutil.which("debootstrap") is not None


def _changed(shell: str, namespaces: tuple[str, ...] = NAMESPACES) -> tuple[str, ...]:
    """Run under a shell in namespaces of its own, after these commands."""
    return (*namespaces, "--mount", "--net", "sh", "-c", f'ip link set lo up; {shell}; exec "$@"', "sh")


def _limited(memory: str) -> tuple[str, ...]:
    """Run in a control group of its own with so much memory and no swap, which is gone afterwards."""
    return ("sh", "-c", GROUP.format(memory=memory), "sh")


def _memory() -> bool:
    return os.access(GROUPS, os.W_OK)


GENERATED = shutil.ignore_patterns(
    ".git", ".venv", "node_modules", "dist", "__pycache__", ".mypy_cache", ".ruff_cache", "*_pb2*"
)
GROUPS = Path("/sys/fs/cgroup/memory")
GROUP = """
group=/sys/fs/cgroup/memory/figtree-$$ && mkdir "$group" && echo {memory} >"$group/memory.limit_in_bytes" &&
echo $$ >"$group/cgroup.procs" && "$@"
status=$?
echo $$ >/sys/fs/cgroup/memory/cgroup.procs && rmdir "$group"
exit $status
"""
HOSTS = "::1 localhost ip6-localhost\n127.0.0.1 localhost"
CONDA = {  # as `conda activate` leaves it where the packages of compilers, Go and OpenSSL are installed
    "CONDA_PREFIX": "/nowhere/conda/envs/data",
    "CONDA_DEFAULT_ENV": "data",
    "CONDA_SHLVL": "2",
    "CONDA_EXE": "/nowhere/conda/bin/conda",
    "CONDA_PYTHON_EXE": "/nowhere/conda/bin/python",
    "_CE_CONDA": "",
    "CONDA_PREFIX_1": "/nowhere/conda",
    "CONDA_PROMPT_MODIFIER": "(data) ",
    "HOST": "x86_64-conda-linux-gnu",
    "BUILD": "x86_64-conda-linux-gnu",
    "CC": "/nowhere/conda/bin/x86_64-conda-linux-gnu-cc",
    "CXX": "/nowhere/conda/bin/x86_64-conda-linux-gnu-c++",
    "LD": "/nowhere/conda/bin/x86_64-conda-linux-gnu-ld",
    "CFLAGS": "-march=nocona -isystem /nowhere/conda/include",
    "LDFLAGS": "-Wl,-rpath,/nowhere/conda/lib",
    "CGO_CFLAGS": "-I/nowhere/conda/include",
    "CGO_ENABLED": "1",
    "CMAKE_PREFIX_PATH": "/nowhere/conda",
    "SSL_CERT_FILE": "/etc/ssl/certs/ca-certificates.crt",
    "PIP_REQUIRE_VIRTUALENV": "true",
    "PYTHONNOUSERSITE": "1",
}
CLOSED = "http://127.0.0.1:9"
MACHINES = (
    *_pythons(),
    *(
        Machine(
            f"Debian {number}, {python}", before=_debian(suite, python), folder="demo", needs=_debootstrap
        )
        for number, suite, python in ((13, "trixie", "python3.13"), (14, "forky", "python3.14"))
    ),
    Machine(
        "no Python", without=("python3",), refused="python3 is not a Python 3.6 or newer: install", fast=True
    ),
    Machine("no Go", environment={"PATH": PLAIN}, fast=True),
    Machine("no Go, no Node.js, no git", without=("go", "node", "npm", "git"), folder="demo", fast=True),
    Machine(
        "Debian 12's Go 1.19 and Node.js 18, too old",
        older={"go": "go1.19.8", "node": "v18.19.0", "npm": "9.2.0"},
        folder="demo",
        fast=True,
        whole=False,
    ),
    Machine(
        "HOME not set", environment={"HOME": None}, refused="HOME is not set: set HOME, or XDG_", fast=True
    ),
    Machine(
        "HOME not set, XDG_CACHE_HOME set",
        environment={"HOME": None, "XDG_CACHE_HOME": "{cache}"},
        fast=True,
        whole=False,
    ),
    Machine(
        "cache on a file",
        environment={"XDG_CACHE_HOME": "/dev/null"},
        refused="/dev/null is no fol",
        fast=True,
    ),
    Machine(
        "a normal user, Debian 12's Python 3.11.2",
        user="daemon",
        python="/usr/bin/python3.11",
        needs=_root,
        folder="demo",
    ),
    Machine("two users at once", user="daemon", beside="games", needs=_root, folder="demo"),
    Machine(
        "HOME read-only",
        before=_changed('mount --bind "$HOME" "$HOME"; mount -o remount,ro,bind "$HOME"'),
        environment={"HOME": "{empty}"},
        refused=r"cannot be written to: set XDG_CACHE_HOME",
        fast=True,
        needs=_namespaces,
    ),
    Machine(
        "HOME noexec",
        before=_changed('mount -t tmpfs -o noexec,size=9g none "$HOME"'),
        environment={"HOME": "{empty}"},
        refused=r"no program can be run from .* \(mounted noexec\)",
        fast=True,
        needs=_namespaces,
    ),
    Machine(
        "a disk of 1 GB for HOME",
        before=_changed('mount -t tmpfs -o size=1g none "$HOME"'),
        environment={"HOME": "{empty}"},
        refused=r"has 1\.1 GB free and needs [345]\.\d GB: make room",
        fast=True,
        needs=_namespaces,
    ),
    Machine(
        "a disk of 4 GB for HOME, nothing compiled",
        before=(
            *NAMESPACES,
            "--mount",
            "sh",
            "-c",
            'mount -t tmpfs -o size=4g none "$HOME"; exec "$@"',
            "sh",
        ),
        environment={"HOME": "{empty}"},
        folder="demo",
        whole=False,
        needs=_namespaces,
    ),
    Machine(
        "/tmp noexec", before=_changed("mount -t tmpfs -o noexec none /tmp"), fast=True, needs=_namespaces
    ),
    Machine(
        "a small /tmp",
        before=_changed("mount -t tmpfs -o size=64m none /tmp"),
        refused=r"/tmp has 67 MB free and needs 500 MB: make room, or set FIGTREE_HOME to",
        fast=True,
        needs=_namespaces,
    ),
    Machine("no network", before=_changed(":"), fast=True, needs=_namespaces),
    Machine(
        "loopback down",
        before=(*NAMESPACES, "--net", "sh", "-c", 'exec "$@"', "sh"),
        refused=r"127\.77\.77\.77 cannot be used \(Network is unreachable\).*ip link set lo up",
        fast=True,
        needs=_namespaces,
    ),
    Machine(
        "8 inotify instances",
        before=_changed("echo 8 > /proc/sys/user/max_inotify_instances", OF_A_USER),
        refused=r"this user can have \d more, and the local mesh needs 32: sudo sysctl fs\.inotify",
        fast=True,
        needs=_limits,
    ),
    Machine(
        "256 open files",
        before=("sh", "-c", 'ulimit -n 256; exec "$@"', "sh"),
        refused="a process may have 256 open files, and Envoy needs 1024",
        fast=True,
    ),
    Machine("a folder with a space, an umlaut and a quote", folder='It\'s höre "a" demo', fast=True),
    Machine("a zip download without .git", folder="figtree-main", fast=True),
    Machine("umask 077", umask=0o077, fast=True),
    Machine(
        "PYTHONPATH and VIRTUAL_ENV set",
        environment=dict.fromkeys(("PYTHONPATH", "VIRTUAL_ENV"), "/nowhere"),
        fast=True,
    ),
    Machine("conda active, with its compilers", environment=CONDA, fast=True),
    Machine("one core", before=("taskset", "--cpu-list", "0"), fast=True),
    Machine("4 GiB of memory", before=_limited("4G"), fast=True, needs=_memory),
    Machine(
        "1 GiB of memory",
        before=_limited("1G"),
        fast=True,
        needs=_memory,
        refused=r"of memory are free, and the local mesh needs 1\.5 GB: end other programs, or add memory or swap",
    ),
    Machine(
        "IPv6 disabled",
        before=_changed("echo 1 >/proc/sys/net/ipv6/conf/all/disable_ipv6"),
        fast=True,
        needs=_namespaces,
    ),
    Machine(
        "localhost is ::1 first",
        before=_changed(
            f"mount -t tmpfs none /mnt; printf '{HOSTS}' >/mnt/hosts; mount --bind /mnt/hosts /etc/hosts"
        ),
        fast=True,
        needs=_namespaces,
    ),
    Machine("TMPDIR set", environment={"TMPDIR": "{empty}"}, fast=True),
    Machine("locale C", environment={"LANG": None, "LC_ALL": "C"}, fast=True),
    Machine("locale tr_TR", environment={"LC_ALL": "tr_TR.UTF-8"}, fast=True),
    Machine("locale de_DE", environment={"LC_ALL": "de_DE.UTF-8"}, fast=True),
    Machine(
        "proxies that do not answer",
        environment=dict.fromkeys(
            ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"), CLOSED
        ),
        fast=True,
    ),
)


def path_without(programs: tuple[str, ...], place: Path) -> str:
    """A PATH on which everything is but these."""
    shown = place / "programs"
    shown.mkdir()
    for folder in reversed(PLAIN.split(":")):
        for program in Path(folder).glob("*"):
            if program.name not in programs and os.access(program, os.X_OK):
                link = shown / program.name
                link.unlink(missing_ok=True)
                link.symlink_to(program)
    return str(shown)


def copied(root: Path, place: Path) -> Path:
    """The checkout as a zip download has it: what git knows, without .git."""

    def ignored(folder: str, names: list[str]) -> set[str]:
        return GENERATED(folder, names) | ({"build"} if Path(folder) == root else set())

    shutil.copytree(root, place, ignore=ignored)
    return place
