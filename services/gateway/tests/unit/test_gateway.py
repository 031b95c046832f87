import json
from pathlib import Path

import httpx
import pytest
from gateway.__main__ import application
from gateway.settings import Settings

DOCUMENT = Path(__file__).parents[4] / "docs" / "openapi.json"


def test_serves_the_committed_contract() -> None:
    assert application(Settings()).openapi() == json.loads(DOCUMENT.read_text())


@pytest.mark.parametrize("path", ["/api/titles", "/api/rates", "/api/orders", "/api/customers/c-1"])
async def test_a_neighbour_that_does_not_answer_is_503_and_may_be_retried(
    path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("TITLE", "CURRENCY", "ORDER", "CUSTOMER"):
        monkeypatch.setenv(f"{name}_ADDRESS", "127.0.0.1:1")
    app = application(Settings())
    transport = httpx.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://edge") as client,
    ):
        answer = await client.get(path)
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "1"
    assert answer.headers["content-type"] == "application/problem+json"
