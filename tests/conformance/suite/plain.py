"""Requests that stand alone and store nothing."""

from typing import Any

from tests.conformance.suite.recorder import Request

NINE_WORDS = "+".join(["the"] * 8 + ["nothingcontainsthisword"])
LONG = "a" * 201


def _get(path: str) -> Request:
    return Request(f"GET {path}"[:100], "GET", path)


def _line(title: str = "t-000001", quantity: Any = 1) -> dict[str, Any]:
    return {"title_id": title, "quantity": quantity}


def _quote(name: str, currency: Any, *lines: Any) -> Request:
    return Request(f"quote: {name}", "POST", "/api/quotes", {"currency": currency, "lines": lines})


def _raw(name: str, body: bytes, kind: str = "application/json", path: str = "/api/quotes") -> Request:
    return Request(f"body: {name}", "POST", path, body, {"content-type": kind})


TITLES = [
    _get(path)
    for path in (
        "/api/titles?page_size=1",
        "/api/titles?page_size=100",
        "/api/titles?page_size=0",
        "/api/titles?page_size=101",
        "/api/titles?page_size=-1",
        "/api/titles?page_size=many",
        "/api/titles?page_size=99999999999999999999999",
        "/api/titles?query=jane",
        "/api/titles?query=JANE+austen",
        "/api/titles?query=aus+pre",
        "/api/titles?query=usten",
        "/api/titles?query=bront%C3%AB",
        "/api/titles?query=BRONT%C3%8B",
        "/api/titles?query=Bronte%CC%88",
        "/api/titles?query=bronte",
        "/api/titles?query=%20%20&page_size=2",
        "/api/titles?query=%C4%B0",
        "/api/titles?query=m%C3%A1rquez&page_size=3",
        "/api/titles?query=%D0%B2%D0%BE%D0%B9%D0%BD%D0%B0",
        "/api/titles?query=%E5%8D%A1%E5%A4%AB%E5%8D%A1",
        "/api/titles?query=%F0%9F%93%9A",
        "/api/titles?query=%00",
        "/api/titles?query=jane%00",
        "/api/titles?query=%FF%FE",
        "/api/titles?query=1984",
        "/api/titles?query=emily",
        "/api/titles?query=emma",
        "/api/titles?query=978-0-00-000001-9",
        "/api/titles?query=ISBN+0000000019",
        "/api/titles?query=978-0-00-000001-8",
        "/api/titles?query=d%27Urbervilles",
        "/api/titles?query=jane%20%26%20austen%3A*",
        "/api/titles?query=%21%21%21&page_size=2",
        f"/api/titles?query={NINE_WORDS}&page_size=2",
        "/api/titles?query=%C3",
        f"/api/titles?query={LONG}",
        "/api/titles?query=jane&query=leo",
        "/api/titles?page_token=not-a-token",
        "/api/titles?page_token=%2F%2F%2F%2F",
        "/api/titles?page_token=AA",
        "/api/titles?page_token=dC0wMDA0OTk",
        "/api/titles?page_token=dC0wMDA0OTk%3D",
        f"/api/titles?page_token={LONG}",
        "/api/titles/t-000001",
        "/api/titles/t-999999999",
        "/api/titles/%F0%9F%93%9A",
        "/api/titles/a%20b",
        f"/api/titles/{LONG}",
    )
]
RATES = [
    _get(path)
    for path in (
        "/api/rates",
        "/api/rates?date=1999-01-04",
        "/api/rates?date=1999-01-03",
        "/api/rates?date=0001-01-01",
        "/api/rates?date=9999-12-31",
        "/api/rates?date=2024-02-29",
        "/api/rates?date=2023-02-29",
        "/api/rates?date=2024-03-02",
        "/api/rates?date=2024-03-03",
        "/api/rates?date=2024-12-25",
        "/api/rates?date=2000-01-03",
        "/api/rates?date=",
        "/api/rates?date=today",
        "/api/rates?date=20240229",
        "/api/rates?date=1709164800",
        "/api/rates?date=2024-02-29T00:00:00",
        "/api/convert?amount=12.50&from=USD&to=JPY&date=2024-03-03",
        "/api/convert?amount=1&from=JPY&to=EUR&date=2024-02-29",
        "/api/convert?amount=100&from=EUR&to=KRW&date=2024-02-29",
        "/api/convert?amount=0.125&from=EUR&to=EUR",
        "/api/convert?amount=0.135&from=EUR&to=EUR",
        "/api/convert?amount=-0.125&from=EUR&to=EUR",
        "/api/convert?amount=0.5&from=JPY&to=JPY&date=2024-02-29",
        "/api/convert?amount=1.5&from=JPY&to=JPY&date=2024-02-29",
        "/api/convert?amount=0&from=GBP&to=CHF&date=2024-02-29",
        "/api/convert?amount=-0&from=GBP&to=CHF&date=2024-02-29",
        "/api/convert?amount=-0.001&from=GBP&to=CHF&date=2024-02-29",
        "/api/convert?amount=999999999999.999999999&from=MTL&to=TRL&date=2004-12-31",
        "/api/convert?amount=-999999999999.999999999&from=GBP&to=IDR&date=2024-02-29",
        "/api/convert?amount=0.000000001&from=USD&to=ISK&date=2024-02-29",
        "/api/convert?amount=1&from=EUR&to=HRK&date=2022-12-30",
        "/api/convert?amount=1&from=EUR&to=HRK",
        "/api/convert?amount=1&from=XXX&to=YYY&date=2024-02-29",
        "/api/convert?amount=1&from=EUR&to=USD&date=1998-12-31",
        "/api/convert?amount=1&from=eur&to=USD",
        "/api/convert?amount=1&from=EURO&to=USD",
        "/api/convert?amount=1.0000000001&from=EUR&to=USD",
        "/api/convert?amount=1234567890123&from=EUR&to=USD",
        "/api/convert?amount=1e3&from=EUR&to=USD",
        "/api/convert?amount=NaN&from=EUR&to=USD",
        "/api/convert?amount=%D9%A1&from=EUR&to=USD",
        "/api/convert?amount=&from=EUR&to=USD",
        "/api/convert?from=EUR",
    )
]
QUANTITIES = [
    _quote(f"quantity {quantity!r}", "USD", _line(quantity=quantity))
    for quantity in (
        1,
        9,
        10,
        49,
        50,
        99,
        100,
        249,
        250,
        10_000,
        0,
        10_001,
        -1,
        10**30,
        1.5,
        "1",
        True,
        None,
        1.0,
        1e2,
        10_001.0,
    )
]
QUOTES = [
    *QUANTITIES,
    *(
        _quote(f"in {currency}", currency, _line(), _line("t-000002", 10))
        for currency in ("EUR", "JPY", "ISK")
    ),
    _quote("several lines", "SEK", *(_line(f"t-{n:06}", n) for n in range(1, 30))),
    _quote("one title twice", "GBP", _line(quantity=9), _line(quantity=10)),
    _quote("a hundred lines", "EUR", *(_line(f"t-{n:06}") for n in range(1, 101))),
    _quote("too many lines", "EUR", *(_line(f"t-{n:06}") for n in range(1, 102))),
    _quote("no lines", "EUR"),
    _quote("all is wrong", "XXX", _line("none"), _line(), _line("nothing", 3)),
    _quote("no such currency", "XXX", _line()),
    _quote("a currency of the past", "HRK", _line()),
    _quote("lower case", "eur", _line()),
    _quote("currency is a number", 978, _line()),
    _quote("title is not ASCII", "EUR", _line("täglich")),
    _quote("title holds NUL", "EUR", _line("t\x00")),
    _quote("title is half a surrogate pair", "EUR", _line("\ud83d")),
    _quote("line is a string", "EUR", "t-000001"),
    _quote("unknown field in a line", "EUR", {"title_id": "t-000001", "quantity": 1, "price": 0}),
    Request(
        "quote: unknown field", "POST", "/api/quotes", {"currency": "EUR", "lines": [_line()], "\ud83d": 1}
    ),
    Request("quote: nothing but braces", "POST", "/api/quotes", {}),
    Request("quote: lines is an object", "POST", "/api/quotes", {"currency": "EUR", "lines": {}}),
]
BODIES = [
    _raw("not JSON", b"{currency: EUR}"),
    _raw("a member twice", b'{"currency": "EUR", "currency": "USD", "lines": []}'),
    _raw("empty", b""),
    _raw("null", b"null"),
    _raw("a list", b"[]"),
    _raw("a number", b"1"),
    _raw("not UTF-8", b'{"currency": "\xff\xfe"}'),
    _raw("a number of many digits", b'{"currency": ' + b"9" * 5_000 + b"}"),
    _raw("infinite", b'{"currency": "EUR", "lines": [{"title_id": "t-000001", "quantity": 1e999}]}'),
    _raw(
        "quantity with an exponent",
        b'{"currency": "EUR", "lines": [{"title_id": "t-000001", "quantity": 1e2}]}',
    ),
    _raw("deep", b"[" * 100_000),
    _raw("too large", b" " * 2_000_000),
    _raw("of another type", b'{"currency": "EUR"}', "text/plain"),
    _raw("a form", b"currency=EUR", "application/x-www-form-urlencoded"),
    _raw("with a charset", b'{"currency": "EUR", "lines": []}', "application/json; charset=utf-8"),
    _raw("order of another type", b"{}", "text/plain", "/api/orders"),
    _raw("bulk of another type", b"{}", "text/plain", "/api/orders/bulk"),
    Request("body: of no type", "POST", "/api/quotes", b"{}"),
]
ELSEWHERE = [
    _get("/api/customers/nobody-we-know"),
    _get("/api/customers/a%20b"),
    _get(f"/api/customers/{'c' * 65}"),
    _get("/api/orders/00000000-0000-7000-8000-000000000000"),
    _get("/api/orders/00000000-0000-7000-8000-000000000000/events"),
    _get("/api/orders/1"),
    _get("/api/orders/1/events"),
    _get("/api/orders?page_size=0"),
    _get("/api/orders?page_token=dC0wMDA0OTk"),
    _get("/api/orders?page_token=***"),
    _get("/api/orders?customer_id=%00"),
    _get("/api/orders?customer_id=nobody-we-know"),
    _get("/api/nothing"),
    _get("/api/titles/"),
    _get("/api/quotes"),
    _get("/api/orders/bulk"),
    Request("DELETE an order", "DELETE", "/api/orders/00000000-0000-7000-8000-000000000000"),
    Request("PUT a title", "PUT", "/api/titles/t-000001", {}),
    Request("PATCH the rates", "PATCH", "/api/rates", {}),
    Request("HEAD a title", "HEAD", "/api/titles/t-000001"),
    Request("HEAD a quote", "HEAD", "/api/quotes"),
    Request(
        "events behind a word",
        "GET",
        "/api/orders/00000000-0000-7000-8000-000000000000/events",
        headers={"last-event-id": "first"},
    ),
]

REQUESTS = [*TITLES, *RATES, *QUOTES, *BODIES, *ELSEWHERE]
