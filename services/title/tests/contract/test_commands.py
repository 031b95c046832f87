"""The commands as an operator runs them: other processes, from any folder."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import grpc
import pytest
from figtree.title.v1 import title_pb2 as pb
from figtree.title.v1.title_pb2_grpc import TitleServiceStub
from title.database import migrate
from title.settings import Settings

from tests.support.postgres import Postgres

LINE = {
    "id": "t-000003",
    "isbn13": "9780000000033",
    "name": "Émile",
    "authors": ["Jane Austen"],
    "format": "print",
    "publisher": "John Murray",
    "year": 1815,
}


@pytest.fixture
def environment(postgres: Postgres) -> dict[str, str]:
    url = postgres.create("title")
    asyncio.run(migrate(url))
    return {"DATABASE_URL": url, "PATH": os.environ["PATH"]}


def run(
    environment: dict[str, str], folder: Path, *arguments: str, text: str = ""
) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "title", *arguments]
    return subprocess.run(command, cwd=folder, env=environment, input=text, capture_output=True, text=True)


def test_what_is_imported_is_served_until_sigterm(environment: dict[str, str], tmp_path: Path) -> None:
    assert run(environment, tmp_path, "migrate").returncode == 0
    done = run(environment, tmp_path, "import", text=json.dumps(LINE))
    assert (done.returncode, done.stdout) == (0, "1 titles imported\n"), done.stderr
    environment["LISTEN"] = f"unix:{tmp_path}/listen"
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen([sys.executable, "-m", "title"], cwd=tmp_path, env=environment, stderr=log)
    try:
        with grpc.insecure_channel(environment["LISTEN"]) as channel:
            answer = TitleServiceStub(channel).GetTitle(
                pb.GetTitleRequest(title_id="t-000003"), wait_for_ready=True, timeout=10
            )
        assert answer.title.name == "Émile"
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
    lines = [json.loads(line) for line in (tmp_path / "log").read_text().splitlines()]
    assert [line["message"] for line in lines][-2:] == ["draining", "stopped"]
    assert {line["service"] for line in lines} == {"title"}


def test_a_bad_line_leaves_nothing_and_is_named(environment: dict[str, str], tmp_path: Path) -> None:
    bad = LINE | {"format": "?"}
    done = run(environment, tmp_path, "import", text=f"{json.dumps(LINE)}\n{json.dumps(bad)}\n")
    assert done.returncode == 1
    assert done.stderr.startswith("title import: line 2: format: must be ")


def test_an_import_into_a_fenced_database_says_who_writes(
    environment: dict[str, str], tmp_path: Path, postgres: Postgres
) -> None:
    postgres.psql(
        "create function fence() returns trigger language plpgsql as"
        " $$ begin raise exception 'fenced' using errcode = 'FT001'; end $$",
        "create trigger fence before insert on titles execute function fence()",
        database=environment["DATABASE_URL"].rpartition("/")[2],
    )
    done = run(environment, tmp_path, "import", text=json.dumps(LINE))
    assert (done.returncode, done.stderr) == (1, "title import: titles are written on the other side\n")


def test_a_missing_setting_stops_the_start_and_is_named(tmp_path: Path) -> None:
    done = run({}, tmp_path)
    assert done.returncode == 1
    assert "database_url" in done.stderr


def test_the_settings_do_not_show_the_password() -> None:
    assert "secret" not in repr(Settings(database_url="postgresql://role:secret@127.0.0.1/titles"))
