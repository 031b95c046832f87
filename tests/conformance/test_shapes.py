import asyncio
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import asyncpg
import pytest

from tests.conformance.suite import differences, run
from tests.support.final_shape import FinalShape, final_shape
from tests.support.implementations import words_of
from tests.support.postgres import Postgres
from tests.support.processes import accepts, answers_http, command, finish, free_port, running

MODULES = ("currency", "title", "pricing", "order")  # in the order in which they leave


@pytest.fixture(scope="module")
def final(
    postgres: Postgres, monolith_database: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[FinalShape]:
    with final_shape(postgres, monolith_database, tmp_path_factory.mktemp("final")) as shape:
        yield shape


@pytest.fixture(scope="module")
def shrinking_database(postgres: Postgres) -> str:
    url = postgres.create("shrinking")
    finish("monolith", "migrate", DATABASE_URL=url)
    finish("monolith", "seed", DATABASE_URL=url)
    return url


@contextmanager
def monolith(database: str, final: FinalShape, log: Path) -> Iterator[str]:
    port = free_port()
    settings = {"DATABASE_URL": database, "LISTEN": f"127.0.0.1:{port}", **final.addresses}
    with running(command("monolith"), log, answers_http(port), **settings):
        yield f"http://127.0.0.1:{port}"


async def place(database: str, modules: tuple[str, ...]) -> None:
    connection = await asyncpg.connect(database)
    await connection.execute("delete from module_placement")
    await connection.executemany(
        "insert into module_placement values ($1, 'remote')", [(m,) for m in modules]
    )
    await connection.close()


async def test_the_services_answer_as_the_monolith_did(final: FinalShape, answers: dict[str, str]) -> None:
    assert "\n".join(differences(answers, await run(final.gateway))) == ""


async def test_with_currency_in_go_the_services_answer_as_the_monolith_did(
    final: FinalShape, answers: dict[str, str], tmp_path: Path
) -> None:
    """The gateway and pricing, which call it, once more; the other services are the same."""
    ports = {name: free_port() for name in ("currency", "pricing", "gateway")}
    addresses = final.addresses | {
        f"{name.upper()}_ADDRESS": f"127.0.0.1:{port}" for name, port in ports.items() if name != "gateway"
    }
    with ExitStack() as stopping:
        for name, port in ports.items():
            settings = {"LISTEN": f"127.0.0.1:{port}", **addresses}
            if name in final.databases:
                settings["DATABASE_URL"] = final.databases[name]
            ready = answers_http(port) if name == "gateway" else accepts(port)
            words = words_of("go") if name == "currency" else command(name)
            stopping.enter_context(running(words, tmp_path / name, ready, **settings))
        told = await run(f"http://127.0.0.1:{ports['gateway']}")
    assert "\n".join(differences(answers, told)) == ""


async def test_every_mixed_shape_answers_as_the_monolith_did(
    final: FinalShape, shrinking_database: str, answers: dict[str, str], tmp_path: Path
) -> None:
    with monolith(shrinking_database, final, tmp_path / "log") as url:
        for gone in range(1, len(MODULES) + 1):
            await place(shrinking_database, MODULES[:gone])
            await asyncio.sleep(0.5)
            assert "\n".join(differences(answers, await run(url))) == "", f"without {MODULES[:gone]}"
    log = (tmp_path / "log").read_text()
    assert [f"{module} is remote now" in log for module in MODULES] == [True] * len(MODULES)
