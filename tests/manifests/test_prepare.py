"""k8s/scripts/prepare refuses a step that contradicts where users are, before it changes anything."""

import os
import subprocess
from pathlib import Path

import pytest
from runtime.manifests import ROOT

KUBECTL = """#!/bin/sh
case "$*" in
  *"get virtualservice edge-rest"*) printf %s "$USERS_AT" ;;
  *) exit 42 ;;
esac
"""
GOES_ON = 42  # the first command behind the question is answered so


@pytest.mark.parametrize(
    ("step", "users_at", "status"),
    [
        ("0-monolith", "", GOES_ON),
        ("5-no-monolith", "", GOES_ON),
        ("4-order", "monolith", GOES_ON),
        ("5-no-monolith", "gateway", GOES_ON),
        ("any", "monolith", GOES_ON),
        ("any", "gateway", GOES_ON),
        ("5-no-monolith", "monolith", 1),
        ("0-monolith", "gateway", 1),
    ],
)
def test_a_step_that_contradicts_where_users_are_is_refused(
    step: str, users_at: str, status: int, tmp_path: Path
) -> None:
    kubectl = tmp_path / "kubectl"
    kubectl.write_text(KUBECTL)
    kubectl.chmod(0o755)
    env = os.environ | {"PATH": f"{tmp_path}:{os.environ['PATH']}", "USERS_AT": users_at}
    done = subprocess.run(
        [ROOT / "k8s/scripts/prepare", step], env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == status
    assert ("figtree step" in done.stderr) == (status == 1)
