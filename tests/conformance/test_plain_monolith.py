"""The monolith as it was before strangling: in these processes an import of `monolith.seams` raises."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import make_url

from tests.conformance.suite import differences, run
from tests.support.postgres import Postgres
from tests.support.processes import answers_http, free_port, running

WITHOUT_SEAMS = """
import sys
sys.modules["monolith.seams"] = None
from monolith.__main__ import run
run()
"""
PLAIN = [sys.executable, "-c", WITHOUT_SEAMS]


def finish(database: str, seams: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {"DATABASE_URL": database, "SEAMS": seams}
    return subprocess.run([*PLAIN, *arguments], input="", capture_output=True, text=True, env=environment)


@pytest.fixture(scope="module")
def plain_database(postgres: Postgres) -> str:
    url = postgres.create("plain")
    for command in ("migrate", "seed"):
        done = finish(url, "off", command)
        assert done.returncode == 0, done.stderr
    return url


@pytest.fixture(scope="module")
def plain_url(plain_database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    port = free_port()
    log: Path = tmp_path_factory.mktemp("plain") / "log"
    settings = {"DATABASE_URL": plain_database, "LISTEN": f"127.0.0.1:{port}", "SEAMS": "off"}
    with running(PLAIN, log, answers_http(port), **settings):
        yield f"http://127.0.0.1:{port}"
        assert '"error"' not in log.read_text(), log.read_text()


async def test_without_the_seams_the_monolith_answers_the_same(
    plain_url: str, answers: dict[str, str]
) -> None:
    assert "\n".join(differences(answers, await run(plain_url))) == ""


def test_without_the_seams_the_database_has_the_tables_of_the_modules_only(
    postgres: Postgres, plain_database: str
) -> None:
    tables = postgres.psql(
        "select tablename from pg_tables where schemaname = 'public' order by 1",
        database=make_url(plain_database).database or "",
    )
    assert tables.split() == [
        "alembic_version",
        "list_prices",
        "order_events",
        "order_lines",
        "orders",
        "price_breaks",
        "rates",
        "titles",
    ]


def test_without_the_seams_the_back_office_imports(plain_database: str) -> None:
    done = finish(plain_database, "off", "import", "title")
    assert (done.returncode, done.stdout) == (0, "0 lines imported\n"), done.stderr


@pytest.mark.parametrize("arguments", [(), ("migrate",), ("import", "title")])
def test_with_the_seams_the_same_process_does_not_start(arguments: tuple[str, ...]) -> None:
    """The negative control: these processes would notice an import of the seams."""
    done = finish("postgresql://nobody@127.0.0.1:1/nothing", "on", *arguments)
    assert done.returncode != 0
    assert "ModuleNotFoundError: No module named 'monolith.seams." in done.stderr
