"""Prometheus' own tools on its rules and on the configuration that reads the local runtime."""

import subprocess
from pathlib import Path

import pytest
import yaml
from localmesh.cache import cache_folder
from telemetry.prometheus import ADDON, configuration, program

RULES = sorted((ADDON / "rules").glob("*.yaml"))


def promtool(*words: str | Path) -> str:
    done = subprocess.run([program("promtool", cache_folder()), *words], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("path", sorted((ADDON / "tests").glob("*.yaml")), ids=lambda path: path.stem)
def test_the_rules_do_what_their_tests_say(path: Path) -> None:
    assert "SUCCESS" in promtool("test", "rules", path)


def test_the_configuration_for_the_local_runtime_is_one(tmp_path: Path) -> None:
    path = tmp_path / "prometheus.yml"
    path.write_text(yaml.safe_dump(configuration("http://127.1.2.7:4318", 1.0)))
    assert f"{len(RULES)} rule files found" in promtool("check", "config", path)


def test_every_alert_and_every_record_is_tested() -> None:
    tested = "".join(path.read_text() for path in (ADDON / "tests").glob("*.yaml"))
    for path in RULES:
        for group in yaml.safe_load(path.read_text())["groups"]:
            for rule in group["rules"]:
                name = rule.get("alert") or rule["record"].rpartition(":")[0]
                assert name in tested, name
