"""The commands as an operator runs them: other processes, from any folder."""

import asyncio
import json
import os
import signal
import subprocess
from pathlib import Path

import grpc
import pytest
from currency.database import migrate
from currency.settings import Settings
from figtree.currency.v1 import currency_pb2 as pb
from figtree.currency.v1.currency_pb2_grpc import CurrencyServiceStub

from tests.support.implementations import IMPLEMENTATIONS, words_of
from tests.support.postgres import Postgres

LINE = {"date": "2026-11-20", "currency": "USD", "rate": "1.1519"}


@pytest.fixture
def environment(postgres: Postgres) -> dict[str, str]:
    url = postgres.create("currency")
    asyncio.run(migrate(url))
    return {"DATABASE_URL": url, "PATH": os.environ["PATH"]}


def run(
    environment: dict[str, str], folder: Path, *arguments: str, text: str = "", implementation: str = "python"
) -> subprocess.CompletedProcess[str]:
    command = [*words_of(implementation), *arguments]
    return subprocess.run(command, cwd=folder, env=environment, input=text, capture_output=True, text=True)


@pytest.mark.parametrize("implementation", IMPLEMENTATIONS)
def test_what_is_imported_is_served_until_sigterm(
    environment: dict[str, str], tmp_path: Path, implementation: str
) -> None:
    assert run(environment, tmp_path, "migrate").returncode == 0
    done = run(environment, tmp_path, "import", text=json.dumps(LINE))
    assert (done.returncode, done.stdout) == (0, "1 rates imported\n"), done.stderr
    environment["LISTEN"] = f"unix:{tmp_path}/listen"
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(words_of(implementation), cwd=tmp_path, env=environment, stderr=log)
    try:
        with grpc.insecure_channel(environment["LISTEN"]) as channel:
            answer = CurrencyServiceStub(channel).GetRates(
                pb.GetRatesRequest(), wait_for_ready=True, timeout=10
            )
        assert [rate.rate.value for rate in answer.rates] == ["1", "1.1519"]
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
    lines = [json.loads(line) for line in (tmp_path / "log").read_text().splitlines()]
    assert [line["message"] for line in lines][-2:] == ["draining", "stopped"]
    assert {line["service"] for line in lines} == {"currency"}


def test_schema_and_import_belong_to_the_implementation_in_python(
    environment: dict[str, str], tmp_path: Path
) -> None:
    for command in ("migrate", "import"):
        done = run(environment, tmp_path, command, text=json.dumps(LINE), implementation="go")
        assert (done.returncode, done.stdout) == (1, "")
        assert "the Python version migrates and imports" in done.stderr


def test_a_bad_line_leaves_nothing_and_is_named(environment: dict[str, str], tmp_path: Path) -> None:
    bad = LINE | {"rate": "?"}
    done = run(environment, tmp_path, "import", text=f"{json.dumps(LINE)}\n{json.dumps(bad)}\n")
    assert done.returncode == 1
    assert done.stderr.startswith("currency import: line 2: rate: must be ")


def test_an_import_into_a_fenced_database_says_who_writes(
    environment: dict[str, str], tmp_path: Path, postgres: Postgres
) -> None:
    postgres.psql(
        "create function fence() returns trigger language plpgsql as"
        " $$ begin raise exception 'fenced' using errcode = 'FT001'; end $$",
        "create trigger fence before insert on rates execute function fence()",
        database=environment["DATABASE_URL"].rpartition("/")[2],
    )
    done = run(environment, tmp_path, "import", text=json.dumps(LINE))
    assert (done.returncode, done.stderr) == (1, "currency import: rates are written on the other side\n")


@pytest.mark.parametrize("implementation", IMPLEMENTATIONS)
def test_a_missing_setting_stops_the_start_and_is_named(tmp_path: Path, implementation: str) -> None:
    done = run({}, tmp_path, implementation=implementation)
    assert done.returncode == 1
    assert "database_url" in done.stderr


def test_the_settings_do_not_show_the_password() -> None:
    assert "secret" not in repr(Settings(database_url="postgresql://role:secret@127.0.0.1/titles"))
