from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from rest_api.app import create_app
from rest_api.ports import Ports


class Fakes:
    """Ports that answer what a test puts here: a value, or an exception to raise."""

    def __init__(self) -> None:
        self.answer: Any = None
        self.calls: list[tuple[Any, ...]] = []

    async def _any(self, *arguments: Any) -> Any:
        self.calls.append(arguments)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    def ports(self) -> Any:
        names = ("search", "get", "rates", "convert", "quote", "place", "place_many", "list")
        port = SimpleNamespace(**dict.fromkeys(names, self._any))
        return SimpleNamespace(titles=port, currencies=port, pricing=port, orders=port, customers=None)


@pytest.fixture
def fakes() -> Fakes:
    return Fakes()


@pytest.fixture
async def client(fakes: Fakes) -> AsyncIterator[httpx.AsyncClient]:
    @asynccontextmanager
    async def lifespan() -> AsyncIterator[Ports]:
        yield fakes.ports()

    app = create_app(lifespan)
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://edge") as client:
            client.app = app  # type: ignore[attr-defined]
            yield client
