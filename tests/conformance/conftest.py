import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conformance.suite import run
from tests.support.postgres import Postgres
from tests.support.processes import answers_http, command, finish, free_port, running


@pytest.fixture(scope="session")
def monolith_database(postgres: Postgres) -> str:
    url = postgres.create("monolith")
    finish("monolith", "migrate", DATABASE_URL=url)
    finish("monolith", "seed", DATABASE_URL=url)
    return url


@pytest.fixture(scope="session")
def monolith_url(monolith_database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    port = free_port()
    log: Path = tmp_path_factory.mktemp("monolith") / "log"
    with running(
        command("monolith"),
        log,
        answers_http(port),
        DATABASE_URL=monolith_database,
        LISTEN=f"127.0.0.1:{port}",
    ):
        yield f"http://127.0.0.1:{port}"
        assert '"error"' not in log.read_text(), log.read_text()


@pytest.fixture(scope="session")
def answers(monolith_url: str) -> dict[str, str]:
    """What the monolith says, which is what every shape has to say."""
    return asyncio.run(run(monolith_url))
