"""A small server of the REST contract, in memory, that can be told to lie. For tests of what must notice it."""

import asyncio
import random
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

from loadtests.checks import begun, position
from loadtests.reference import (
    FIXED_DATES,
    KNOWN_RATES,
    Rates,
    Reference,
    at_smallest_unit,
    catalogue,
)
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from tests.support.standin_orders import STATUSES, STEP, Orders, instant, money


class StandIn:
    """Faults: price, sum, title, rate, doubled, stored-twice, lost, taken, errors, cut, forgetful."""

    def __init__(self, fault: str = "") -> None:
        self.fault = fault
        titles, prices = catalogue()
        self._names = {currency for _, currency in prices.values()}
        fixed = {day: self._rates(date) for day, date in FIXED_DATES.items()}
        self._reference = Reference(titles, prices, self._rates("2026-10-30"), fixed)
        self.orders = Orders(fault, self._reference)
        self._random = random.Random(fault)
        self.app = Starlette(
            routes=[
                Route("/api/rates", self._get_rates),
                Route("/api/convert", self._convert),
                Route("/api/titles", self._search),
                Route("/api/titles/{id}", self._title),
                Route("/api/quotes", self._quote, methods=["POST"]),
                Route("/api/orders", self._place, methods=["POST"]),
                Route("/api/orders", self._list),
                Route("/api/orders/bulk", self._bulk, methods=["POST"]),
                Route("/api/orders/{id}", self._order),
                Route("/api/orders/{id}/events", self._events),
            ]
        )

    def _rates(self, date: str) -> Rates:
        invented = {currency: Decimal(7 * n + 3) / 8 for n, currency in enumerate(sorted(self._names))}
        return Rates(date, {**invented, **KNOWN_RATES.get(date, {}), "EUR": Decimal(1)})

    def _table(self, request: Request) -> Rates:
        date = request.query_params.get("date")
        return self._reference.fixed[date] if date else self._reference.latest

    async def _get_rates(self, request: Request) -> Response:
        table = self._table(request)
        rates = {currency: str(rate) for currency, rate in table.rates.items() if currency != "EUR"}
        return JSONResponse({"date": table.date, "base": "EUR", "rates": rates})

    async def _convert(self, request: Request) -> Response:
        table, parameters = self._table(request), request.query_params
        amount, source, target = Decimal(parameters["amount"]), parameters["from"], parameters["to"]
        if target not in table.rates:
            return problem("invalid-request", 400, f"to: {target} has no rate on {table.date}")
        rate = table.cross(source, target) * (2 if self.fault == "rate" else 1)
        result = money(at_smallest_unit(amount * rate, target), target)
        shown = f"{rate.quantize(Decimal('1e-8')):f}"
        return JSONResponse(
            {"amount": money(amount, source), "result": result, "rate": shown, "date": table.date}
        )

    async def _search(self, request: Request) -> Response:
        query, after = request.query_params["query"], request.query_params.get("page_token", "")
        hits = [
            t for t in self._reference.titles.values() if begun(query, " ".join((t["name"], *t["authors"])))
        ]
        found = sorted((place, t) for t in hits if (place := position(query, t)) > after)
        page = found[: int(request.query_params["page_size"])]
        token = page[-1][0] if len(found) > len(page) else ""
        return JSONResponse({"titles": [title for _, title in page], "next_page_token": token})

    async def _title(self, request: Request) -> Response:
        title_id = request.path_params["id"]
        if title_id not in self._reference.titles:
            return problem("not-found", 404, f"there is no title {title_id}")
        title = self._reference.titles[title_id]
        return JSONResponse({**title, "year": title["year"] + 1} if self.fault == "title" else title)

    async def _quote(self, request: Request) -> Response:
        if self.fault == "errors" and self._random.random() < 0.1:
            return JSONResponse({"detail": "boom"}, 500)
        priced = self.orders.priced(await request.json(), listed=True)
        if isinstance(priced, str):
            return problem("invalid-request", 400, priced)
        return JSONResponse({**priced, "rate_date": self._reference.latest.date})

    async def _place(self, request: Request) -> Response:
        wanted, key = await request.json(), request.headers["idempotency-key"]
        status, body = self.orders.store(wanted, key)
        if status >= 400:
            return problem(body["reason"], status, body["detail"])
        return JSONResponse(body, status, {"location": f"/api/orders/{body['id']}"})

    async def _bulk(self, request: Request) -> Response:
        results = []
        for item in (await request.json())["orders"]:
            key = item.pop("idempotency_key")
            status, body = self.orders.store(item, key)
            bad = problem_body(body["reason"], status, body["detail"]) if status >= 400 else None
            results.append({"idempotency_key": key, "order": None if bad else body, "problem": bad})
        return JSONResponse({"results": results})

    async def _order(self, request: Request) -> Response:
        return JSONResponse(self.orders.now(request.path_params["id"]))

    async def _list(self, request: Request) -> Response:
        mine = [
            o for _, o in self.orders.all.values() if o["customer_id"] == request.query_params["customer_id"]
        ]
        return JSONResponse({"orders": mine[:-6:-1], "next_page_token": ""})

    async def _events(self, request: Request) -> Response:
        order_id, after = request.path_params["id"], int(request.headers.get("last-event-id", "0"))
        after = 0 if self.fault == "forgetful" else after

        async def events() -> AsyncIterator[bytes]:
            for number in range(after, 3):
                while STATUSES.index(self.orders.now(order_id)["status"]) < number:
                    await asyncio.sleep(STEP / 2)
                at = instant()
                data = f'{{"order_id":"{order_id}","sequence":{number + 1},"status":"{STATUSES[number]}","at":"{at}"}}'
                yield f"id: {number + 1}\nevent: status\ndata: {data}\n\n".encode()
                if self.fault in ("cut", "forgetful"):
                    return

        return StreamingResponse(events(), media_type="text/event-stream")


def problem_body(reason: str, status: int, detail: str) -> dict[str, Any]:
    kind = f"/problems/{reason}"
    return {"type": kind, "title": "", "status": status, "detail": detail, "errors": []}


def problem(reason: str, status: int, detail: str) -> Response:
    media = "application/problem+json"
    return JSONResponse(problem_body(reason, status, detail), status, media_type=media)
