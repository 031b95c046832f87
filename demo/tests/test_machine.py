"""The look at the machine that make begins with, and `figtree doctor`."""

import ast
import os
import re
import resource
import subprocess
import sys
from pathlib import Path

import pytest
from machine import fetches, folders, limits, programs, pythons, report, system
from machine.uv import VERSION, requirement

ROOT = Path(__file__).resolve().parents[2]
LOOK = ROOT / "demo" / "machine"
FIGTREE = str(Path(sys.executable).with_name("figtree"))
OTHERS = sorted(Path("~/.pyenv/versions").expanduser().glob("3.*/bin/python3"))


def look(
    *arguments: str, python: str = sys.executable, **environment: str
) -> subprocess.CompletedProcess[str]:
    env = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/root")} | environment
    command = [python, "-m", "machine", *arguments]
    return subprocess.run(command, cwd=ROOT / "demo", env=env, capture_output=True, text=True, timeout=20)


def cpu_of_children() -> float:
    """Seconds."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


@pytest.mark.alone
@pytest.mark.parametrize("python", [Path(sys.executable), *OTHERS], ids=lambda path: path.parts[-3])
def test_the_look_runs_with_every_python_of_this_machine_and_costs_little_cpu(python: Path) -> None:
    """Some of it is that of the programs whose versions it asks: measured, 35 to 45 starts of the interpreter."""
    begun = cpu_of_children()
    for _ in range(10):
        subprocess.run([python, "-c", ""], check=True)
    started = cpu_of_children()
    done = look("demo", python=str(python))
    assert cpu_of_children() - started < 8 * (started - begun)
    *lines, last = done.stderr.splitlines()
    assert all(line.startswith("[machine] ") for line in [*lines, last]), done.stderr
    assert last.startswith(("[machine] nothing is missing", "[machine] missing: "))
    assert done.returncode == (0 if last.endswith("nothing is missing") else 1)


def test_its_syntax_is_that_of_python_3_6() -> None:
    for path in LOOK.glob("*.py"):
        ast.parse(path.read_text(), feature_version=(3, 6))


def test_its_modules_are_those_of_the_standard_library() -> None:
    for path in LOOK.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [one.name for one in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            for name in names:
                assert name.split(".")[0] in sys.stdlib_module_names or name.startswith("machine"), name


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"HOME": ""}, "HOME is not set: set HOME, or XDG_CACHE_HOME to a folder for the tools (5 GB)"),
        ({"XDG_CACHE_HOME": "tools"}, "XDG_CACHE_HOME is 'tools': give the folder from the root on"),
        (
            {"XDG_CACHE_HOME": "/dev/null/tools"},
            "/dev/null is no folder: set XDG_CACHE_HOME to a folder that",
        ),
        ({"FIGTREE_HOME": "/dev/null"}, "/dev/null is no folder: set FIGTREE_HOME to a folder"),
    ],
)
def test_a_folder_that_cannot_be_used_is_named_in_one_line(environment: dict[str, str], said: str) -> None:
    done = look("demo", **environment)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith(f"[machine] missing: {said}")


def test_a_full_disk_is_named_with_what_is_free_and_what_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folders, "free", lambda path: 100.0)
    (problem,) = folders.problems([])
    assert re.fullmatch(r"/\S+ has 100 MB free and needs 500 MB: make room, or .*", str(problem))


def test_memory_that_holds_files_counts_as_free_within_a_control_group(tmp_path: Path) -> None:
    """As after a compilation in a container: the kernel gives such memory up when a program wants it."""
    statistics = tmp_path / "memory.stat"
    statistics.write_text(
        "anon 100\ninactive_file 20\nactive_file 3\ntotal_inactive_file 700\ntotal_active_file 50\n"
    )
    assert limits._files(str(statistics), version1=False) == 23
    assert limits._files(str(statistics), version1=True) == 750


@pytest.mark.parametrize(
    ("compiling", "needs"), [(True, "compiling istiod needs 2.6 GB"), (False, "needs 1.5 GB")]
)
def test_too_little_memory_is_named(monkeypatch: pytest.MonkeyPatch, compiling: bool, needs: str) -> None:
    monkeypatch.setattr(limits, "memory", lambda: (900.0, 4000.0))
    (problem,) = limits.problems(compiling)
    assert str(problem).startswith("900 MB of memory are free, and ")
    assert needs in str(problem)


def test_too_few_inotify_instances_are_named_with_the_command_that_gives_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(limits, "inotify_instances", lambda wanted: 3)
    (problem,) = limits.problems(False)
    assert "this user can have 3 more, and the local mesh needs 32" in str(problem)
    assert re.search(r"sudo sysctl fs\.inotify\.max_user_instances=\d+$", str(problem))


def test_inotify_instances_are_counted_by_taking_them_and_given_back() -> None:
    for _ in range(20):
        assert limits.inotify_instances(8) == 8


def test_macos_is_sent_to_kind_or_to_linux(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    (problem,) = system.problems(local=True)
    assert str(problem).startswith(
        "the local mesh runs on Linux only, and this is macOS: install Docker, kind and"
    )
    assert system.problems(local=False) == []


@pytest.mark.parametrize(
    ("machine", "library", "said"),
    [
        ("riscv64", "2.36", "the processor riscv64 is not supported: use arm64 and x86-64"),
        ("x86_64", None, "Envoy needs glibc 2.31 or newer: use Debian 11"),
        ("x86_64", "2.28", "Envoy needs glibc 2.31 or newer, here is 2.28: use Debian 11"),
    ],
)
def test_a_processor_or_c_library_without_packages_is_named(
    monkeypatch: pytest.MonkeyPatch, machine: str, library: str | None, said: str
) -> None:
    monkeypatch.setattr("platform.machine", lambda: machine)
    monkeypatch.setattr(system, "glibc", lambda: library)
    (problem,) = system.problems(local=True)
    assert str(problem).startswith(said)


@pytest.mark.parametrize(("version", "fault"), [((3, 10, 13), "old"), ((3, 15, 0), "new")])
def test_a_python_outside_of_those_tested_is_refused_where_no_other_is_there_and_none_can_be_fetched(
    monkeypatch: pytest.MonkeyPatch, version: tuple[int, int, int], fault: str
) -> None:
    monkeypatch.setattr(sys, "version_info", version)
    monkeypatch.setattr(pythons, "_find_usable", lambda paths: [])
    monkeypatch.setenv("UV_PYTHON_INSTALL_MIRROR", "http://127.0.0.1:1/pythons")
    python, problem = pythons.chosen()
    assert python is None
    here = f"Python 3.{version[1]}.{version[2]} is too {fault}"
    assert str(problem).startswith(
        f"{here} (supported: 3.11 to 3.14), and uv cannot fetch one (127.0.0.1:1: "
    )
    assert str(problem).endswith("run make with FIGTREE_PYTHON=python3.13")


def test_where_uv_can_fetch_a_python_the_look_says_that_it_will(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pythons, "_find_usable", lambda paths: [])
    monkeypatch.setattr(pythons, "_explain_unreachable", lambda: "")
    python, problem = pythons.chosen()
    assert problem is None
    assert python == pythons.Python("3.13", "3.13", True, True)
    assert any(one.what == "Python 3.13 by uv" for one in fetches.pending("demo", python, local=True))


def test_another_python_of_the_machine_is_taken_where_its_own_does_not_fit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fitting = pythons.Python("/usr/bin/python3.12", "3.12.3")
    monkeypatch.setattr(pythons, "_find_others", lambda: ["/usr/bin/python3.12"])
    monkeypatch.setattr(pythons, "_find_usable", lambda paths: [fitting] if paths != [sys.executable] else [])
    assert pythons.chosen() == (fitting, None)


def test_a_python_without_venv_is_told_the_package_that_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    bare = pythons.Python("/usr/bin/python3.11", "3.11.2", venv=False)
    monkeypatch.setattr(pythons, "_find_usable", lambda paths: [bare])
    _, problem = pythons.chosen()
    assert str(problem).endswith("sudo apt-get install python3.11-venv")


def test_an_empty_machine_is_told_every_download_with_its_size_and_time(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(fetches, "installed", lambda: False)
    monkeypatch.setattr(fetches, "ROOT", str(tmp_path))
    monkeypatch.setattr("shutil.which", lambda name: None)
    lines = report.look("test").lines
    printed = "\n".join(lines)
    for name in (
        "uv 0",
        "Python packages",
        "Node.js 24",
        "npm packages",
        "Go from PyPI",
        "istiod, compiled",
        "Chromium",
    ):
        assert re.search(rf"once: {name}.*(\d+ MB|-) +[\d.]+ [MG]B on disk +\d+ (s|min)", printed), name
    assert re.fullmatch(r"in all about \d+ MB to fetch, \d\.\d GB on disk, \d+ min", lines[-1])


def test_a_command_that_starts_nothing_is_not_held_up() -> None:
    assert look("down", HOME="/nowhere").stderr == ""


def test_the_makefile_the_lock_and_the_look_name_the_same_uv() -> None:
    assert f"uv-{VERSION}/" in (ROOT / "Makefile").read_text()
    assert requirement(str(ROOT / "uv.lock"), "uv").startswith(f"uv=={VERSION} --hash=sha256:")


def test_the_doctor_ends_with_the_verdict_and_tells_no_secret() -> None:
    secret = "hunter2"
    named = [
        "http_proxy",
        "HTTPS_PROXY",
        "all_proxy",
        "GOPROXY",
        "PIP_INDEX_URL",
        "UV_INDEX_URL",
        "GITHUB_TOKEN",
    ]
    env = os.environ | {name: f"http://user:{secret}@127.0.0.1:9" for name in named}
    done = subprocess.run([FIGTREE, "doctor"], env=env, capture_output=True, text=True, timeout=60)
    assert secret not in done.stdout + done.stderr
    assert "http_proxy: set" in done.stdout
    assert str(Path.home()) not in done.stdout
    last = done.stdout.splitlines()[-1]
    assert (done.returncode, last) == (0, "nothing is missing") or last.startswith("missing: ")
    for section in ("machine", "figtree", "caches", "limits", "ports", "programs", "environment"):
        assert f"{section}:\n" in done.stdout


def test_a_program_that_hangs_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "docker").write_text("#!/bin/sh\nexec sleep 30\n")
    (tmp_path / "docker").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    assert programs.answer(["docker", "info"], 0.2) is None
