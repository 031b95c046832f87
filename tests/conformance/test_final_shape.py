from collections.abc import Iterator

import pytest
from demo.conformance import differences, run

from tests.support.final_shape import final_shape
from tests.support.postgres import Postgres


@pytest.fixture(scope="module")
def gateway_url(
    postgres: Postgres, monolith_database: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    with final_shape(postgres, monolith_database, tmp_path_factory.mktemp("final")) as url:
        yield url


async def test_the_services_answer_as_the_monolith_did(gateway_url: str, answers: dict[str, str]) -> None:
    assert "\n".join(differences(answers, await run(gateway_url))) == ""
