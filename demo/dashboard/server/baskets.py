"""A basket that is priced again each time it changes: by one gRPC stream, or a request each while that is not there."""

import asyncio
import contextlib
from contextlib import AsyncExitStack
from decimal import Decimal
from typing import Any

import httpx
from runtime.api import Runtime, RuntimeFailure

from dashboard.server.edge import Edge
from dashboard.server.hub import Stream

BY_STREAM = "QuoteStream, gRPC, both ways"
BY_REQUEST = "POST /api/quotes"
WITHOUT_CENTS = frozenset({"ISK", "JPY", "KRW"})
PATIENCE = 3.0


class Baskets:
    """One page's basket. The gRPC library costs memory: it is loaded by the first basket that needs it."""

    def __init__(self, runtime: Runtime, edge: Edge, page: Stream) -> None:
        self._runtime = runtime
        self._edge = edge
        self._page = page
        self._open = AsyncExitStack()
        self._call: Any = None
        self._reading: asyncio.Task[None] | None = None
        self._lock = asyncio.Lock()
        self._newest = 0

    async def price(self, revision: int, basket: dict[str, Any], *, streamed: bool) -> None:
        """Sends the page a price, unless a newer revision has come: a browser's requests overtake each other."""
        self._newest = max(self._newest, revision)
        async with self._lock:
            if revision < self._newest:
                return
            if streamed:
                # Imported before the time is counted: the first basket of a busy machine would lose its stream.
                lost = (RuntimeFailure, TimeoutError, _rpc_error(), asyncio.InvalidStateError)
                for _ in range(2):  # the second time over a new stream
                    try:
                        async with asyncio.timeout(PATIENCE):
                            await self._send(revision, basket)
                        return
                    except lost:
                        await self.close()
            await self._ask(revision, basket)

    async def _ask(self, revision: int, basket: dict[str, Any]) -> None:
        try:
            answer = await self._edge.quote(basket)
            key, content = "quote" if answer.is_success else "problem", answer.json()
        except (httpx.HTTPError, ValueError) as error:
            key, content = "problem", {"title": f"the edge does not answer: {type(error).__name__}"}
        self._page.send("quote", {"revision": revision, "via": BY_REQUEST, key: content})

    async def _send(self, revision: int, basket: dict[str, Any]) -> None:
        from figtree.pricing.v1 import pricing_pb2
        from figtree.pricing.v1.pricing_pb2_grpc import PricingServiceStub
        from runtime.calls import channel

        if self._call is None or self._call.done():
            await self.close()
            opened = await self._open.enter_async_context(channel(self._runtime, "gateway", "pricing"))
            self._call = PricingServiceStub(opened).QuoteStream()
            self._reading = asyncio.create_task(self._read(self._call))
        lines = [
            pricing_pb2.Line(title_id=line["title_id"], quantity=line["quantity"]) for line in basket["lines"]
        ]
        wanted = pricing_pb2.Basket(currency_code=basket["currency"], lines=lines)
        await self._call.write(pricing_pb2.QuoteStreamRequest(revision=revision, basket=wanted))

    async def _read(self, call: Any) -> None:
        with contextlib.suppress(_rpc_error(), asyncio.CancelledError):
            async for answer in call:
                self._page.send(
                    "quote", {"revision": answer.revision, "via": BY_STREAM} | _result(answer.result)
                )

    async def close(self) -> None:
        if self._reading is not None:
            self._reading.cancel()
        if self._call is not None:
            self._call.cancel()
        self._call = self._reading = None
        await self._open.aclose()
        self._open = AsyncExitStack()


def _rpc_error() -> type[Exception]:
    from grpc.aio import AioRpcError

    return AioRpcError


def _result(result: Any) -> dict[str, object]:
    if result.HasField("failure"):
        errors = [{"field": v.field, "message": v.description} for v in result.failure.violations]
        return {"problem": {"title": result.failure.message, "errors": errors}}
    quote = result.quote
    told = {"titles_as_of": quote.titles_as_of.ToJsonString()} if quote.HasField("titles_as_of") else {}
    return {
        "quote": {
            "currency": quote.total.currency_code,
            "total": amount(quote.total),
            "rate_date": quote.rate_date,
            "lines": [
                {
                    "title_id": line.title_id,
                    "quantity": line.quantity,
                    "list_price": {
                        "amount": amount(line.list_price),
                        "currency": line.list_price.currency_code,
                    },
                    "discount_percent": line.discount_percent.value,
                    "unit_price": amount(line.unit_price),
                    "total": amount(line.total),
                }
                for line in quote.lines
            ],
            **told,
        }
    }


def amount(money: Any) -> str:
    """As the REST edge writes it: with the currency's decimals, and more if there are more."""
    exact = Decimal(money.units) + Decimal(money.nanos).scaleb(-9)
    written = exact.quantize(Decimal(1) if money.currency_code in WITHOUT_CENTS else Decimal("0.01"))
    return f"{written if written == exact else exact.normalize():f}"
