"""The fast path answers byte for byte as the ordinary way does, which a parameter of the media type leads to."""

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rest_api import errors
from rest_api.models import Degraded, Money, Order, OrderLine, PricedLine, Quote, Title
from rest_api.ports import Placed

from .conftest import Fakes

ORDER = Order(
    id=UUID("01a209a2-e71e-7691-a191-51bf6c95b2d6"),
    customer_id="c-1001",
    status="placed",
    currency="EUR",
    lines=(OrderLine(title_id="é", quantity=2, unit_price=Decimal("1.50"), total=Decimal("3.00")),),
    discount_percent=Decimal("-0"),
    total=Decimal("3E+2"),
    created_at=datetime(2026, 11, 20, 12, tzinfo=UTC),
)
QUOTE = Quote(
    currency="JPY",
    lines=(
        PricedLine(
            title_id="t",
            quantity=1,
            list_price=Money(amount=Decimal("1.10"), currency="EUR"),
            discount_percent=Decimal(5),
            unit_price=Decimal(7),
            total=Decimal(7),
        ),
    ),
    total=Decimal(7),
    rate_date=date(2026, 11, 20),
)
TITLE = Title(
    id="t-000001", isbn13="9780000000002", name="é", authors=("B",), format="print", publisher="P", year=2000
)
DEGRADED = Degraded(titles_as_of=datetime(2026, 11, 20, 12, 30, tzinfo=UTC), rate_date=date(2026, 11, 20))
TOLD = 'titles-as-of="2026-11-20T12:30:00.000000Z", rate-date="2026-11-20"'
LINE = {"title_id": "t-000001", "quantity": 1}
BASKET = {"currency": "EUR", "lines": [LINE]}
WANTED = {**BASKET, "customer_id": "c-1001"}


async def both_ways(
    client: httpx.AsyncClient, path: str, body: bytes, headers: dict[str, str]
) -> list[tuple[Any, ...]]:
    answers = []
    for kind in ("application/json", "application/json; charset=utf-8"):
        answer = await client.post(path, content=body, headers={"content-type": kind, **headers})
        answers.append((answer.status_code, answer.headers.raw, answer.content))
    return answers


@pytest.mark.parametrize(
    "outcome",
    [
        Placed(ORDER),
        Placed(ORDER, replayed=True),
        Placed(ORDER, degraded=DEGRADED),
        errors.Conflict("k"),
        errors.Refused("no"),
        errors.Overloaded("many"),
        errors.Unavailable("come again"),
        errors.NotTheWriter(),
        errors.Invalid([("currency", "XXX has no rate on 2026-11-20")]),
        KeyError("inside"),
    ],
)
async def test_an_order_is_answered_alike(client: httpx.AsyncClient, fakes: Fakes, outcome: Any) -> None:
    fakes.answer = outcome
    fast, ordinary = await both_ways(
        client, "/api/orders", json.dumps(WANTED).encode(), {"idempotency-key": "k"}
    )
    assert fast == ordinary
    assert len(fakes.calls) == 2
    assert fakes.calls[0] == fakes.calls[1]


async def test_a_quote_is_answered_alike(client: httpx.AsyncClient, fakes: Fakes) -> None:
    fakes.answer = QUOTE
    fast, ordinary = await both_ways(client, "/api/quotes", json.dumps(BASKET).encode(), {})
    assert fast == ordinary
    assert fast[0] == 200


async def test_what_is_priced_without_the_catalogue_says_so_in_a_header_and_a_field(
    client: httpx.AsyncClient, fakes: Fakes
) -> None:
    fakes.answer = QUOTE.model_copy(update={"titles_as_of": DEGRADED.titles_as_of})
    fast, ordinary = await both_ways(client, "/api/quotes", json.dumps(BASKET).encode(), {})
    assert fast == ordinary
    _, headers, content = fast
    assert (b"figtree-degraded", TOLD.encode()) in headers
    assert json.loads(content)["titles_as_of"] == "2026-11-20T12:30:00.000000Z"
    fakes.answer = Placed(ORDER, degraded=DEGRADED)
    _, headers, content = (
        await both_ways(client, "/api/orders", json.dumps(WANTED).encode(), {"idempotency-key": "k"})
    )[0]
    assert (b"figtree-degraded", TOLD.encode()) in headers
    fakes.answer = [Placed(ORDER), Placed(ORDER, degraded=DEGRADED)]
    items = [{**WANTED, "idempotency_key": key} for key in ("a", "b")]
    plain, told = (await client.post("/api/orders/bulk", json={"orders": items})).json()["results"]
    assert told["degraded"] == {"titles_as_of": "2026-11-20T12:30:00.000000Z", "rate_date": "2026-11-20"}
    assert "degraded" not in plain


async def test_what_is_priced_with_the_catalogue_says_nothing_of_it(
    client: httpx.AsyncClient, fakes: Fakes
) -> None:
    fakes.answer = QUOTE
    _, headers, content = (await both_ways(client, "/api/quotes", json.dumps(BASKET).encode(), {}))[0]
    assert b"figtree-degraded" not in dict(headers)
    assert b"titles_as_of" not in content


@pytest.mark.parametrize("key", [None, "", "a b", "k" * 65, "k" * 64])
async def test_keys_are_judged_alike(client: httpx.AsyncClient, fakes: Fakes, key: str | None) -> None:
    fakes.answer = Placed(ORDER)
    headers = {} if key is None else {"idempotency-key": key}
    fast, ordinary = await both_ways(client, "/api/orders", json.dumps(WANTED).encode(), headers)
    assert fast == ordinary


@pytest.mark.parametrize(
    "outcome",
    [TITLE, errors.Missing("title", "t"), errors.TooLate("late"), errors.Denied("no"), KeyError("inside")],
)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_a_title_is_answered_alike(
    client: httpx.AsyncClient, fakes: Fakes, outcome: Any, method: str
) -> None:
    fakes.answer = outcome
    fast = await client.request(method, "/api/titles/t-000001")
    ordinary = await client.request(method, "/api/titles/t-000001?any=thing")
    assert _seen(fast) == _seen(ordinary)
    assert fakes.calls == [("t-000001",)] * 2


@pytest.mark.parametrize(
    "name", [str(ORDER.id), str(ORDER.id).upper(), ORDER.id.hex, "o-1", "é", f"{ORDER.id}x"]
)
async def test_an_order_is_read_alike(client: httpx.AsyncClient, fakes: Fakes, name: str) -> None:
    fakes.answer = ORDER
    fast = await client.get(f"/api/orders/{name}")
    ordinary = await client.get(f"/api/orders/{name}?any=thing")
    assert _seen(fast) == _seen(ordinary)
    assert set(fakes.calls) <= {(ORDER.id,)}


def _seen(answer: httpx.Response) -> tuple[Any, ...]:
    return answer.status_code, answer.headers.raw, answer.content


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.just("EUR"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
bodies = st.fixed_dictionaries(
    {
        "customer_id": st.just("c-1001") | values,
        "currency": st.sampled_from(["EUR", "eur", "EURO", ""]) | values,
        "lines": st.lists(
            st.fixed_dictionaries(
                {"title_id": st.just("t") | values, "quantity": st.integers(-1, 10_001) | values},
                optional={"extra": values},
            ),
            max_size=3,
        )
        | values,
    },
    optional={"more": values},
)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=bodies.map(lambda b: json.dumps(b).encode()) | st.binary(max_size=40))
async def test_bodies_are_judged_alike(client: httpx.AsyncClient, fakes: Fakes, body: bytes) -> None:
    fakes.answer, fakes.calls = Placed(ORDER), []
    fast, ordinary = await both_ways(client, "/api/orders", body, {"idempotency-key": "k"})
    assert fast == ordinary
    assert fakes.calls[::2] == fakes.calls[1::2]


@pytest.mark.parametrize(("written", "read"), [("1.0", 1), ("1e2", 100), ("1E0", 1), ("10000.0", 10_000)])
async def test_a_whole_quantity_may_be_written_as_a_float(
    client: httpx.AsyncClient, fakes: Fakes, written: str, read: int
) -> None:
    fakes.answer = Placed(ORDER)
    body = json.dumps(WANTED).replace('"quantity": 1', f'"quantity": {written}').encode()
    fast, ordinary = await both_ways(client, "/api/orders", body, {"idempotency-key": "k"})
    assert fast == ordinary
    assert fast[0] == 201
    quantities = [order.lines[0].quantity for _, order in fakes.calls]
    assert quantities == [read, read]
    assert {type(quantity) for quantity in quantities} == {int}


@pytest.mark.parametrize("written", ["1.5", "true", '"1"', "0.0", "10001.0", "1e999", "-1.0", "null"])
async def test_another_quantity_is_refused(client: httpx.AsyncClient, fakes: Fakes, written: str) -> None:
    body = json.dumps(WANTED).replace('"quantity": 1', f'"quantity": {written}').encode()
    fast, ordinary = await both_ways(client, "/api/orders", body, {"idempotency-key": "k"})
    assert fast == ordinary
    assert fast[0] == 400
    assert fakes.calls == []
