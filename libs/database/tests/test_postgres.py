"""Which of a database's errors reach the service in its own words."""

import socket
from pathlib import Path

import pytest
from database import Postgres
from sqlalchemy.exc import DBAPIError, TimeoutError


class NotTheWriter(Exception): ...


class Unavailable(Exception): ...


class Refusal(Exception):
    def __init__(self, sqlstate: str) -> None:
        super().__init__(sqlstate)
        self.sqlstate = sqlstate


OWN = Postgres("example", Path("none"), Unavailable, {"FT001": NotTheWriter})


def _error(sqlstate: str, *, invalidated: bool = False) -> DBAPIError:
    return DBAPIError("select 1", None, Refusal(sqlstate), connection_invalidated=invalidated)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (_error("FT001"), NotTheWriter),
        (_error("08006"), Unavailable),
        (_error("53300"), Unavailable),
        (_error("57014"), Unavailable),
        (_error("57P01"), Unavailable),
        (_error("XX000", invalidated=True), Unavailable),
        (TimeoutError("no connection in time"), Unavailable),
        (ConnectionRefusedError(), Unavailable),
    ],
)
def test_what_a_caller_can_do_something_about_is_raised_in_the_services_words(
    error: Exception, expected: type[Exception]
) -> None:
    with pytest.raises(expected) as raised, OWN.translating():
        raise error
    assert raised.value.__cause__ is error


@pytest.mark.parametrize("error", [_error("23505"), _error("42P01"), ValueError("ours")])
def test_what_is_our_own_mistake_stays_as_it_is(error: Exception) -> None:
    with pytest.raises(type(error)) as raised, OWN.translating():
        raise error
    assert raised.value is error


async def test_a_migration_whose_database_is_not_there_says_so_in_the_services_words() -> None:
    with socket.socket() as taken:  # bound, and nobody listens
        taken.bind(("127.0.0.1", 0))
        with pytest.raises(Unavailable):
            await OWN.migrate(f"postgresql://127.0.0.1:{taken.getsockname()[1]}/nowhere")
