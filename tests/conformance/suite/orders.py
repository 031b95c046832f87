"""What stores orders, in the order in which one step needs the one before."""

from typing import Any

from tests.conformance.suite.recorder import RUN, Recorder, Request

CUSTOMER = f"conformance-{RUN}"


def _order(*lines: tuple[str, Any], currency: str = "EUR", customer: str = CUSTOMER) -> dict[str, Any]:
    wanted = [{"title_id": title, "quantity": quantity} for title, quantity in lines]
    return {"customer_id": customer, "currency": currency, "lines": wanted}


PLAIN = _order(("t-000001", 2), ("t-000007", 10))


def _place(name: str, key: str | None, order: Any, *, moving: bool = False) -> Request:
    headers = {} if key is None else {"idempotency-key": key}
    return Request(f"order: {name}", "POST", "/api/orders", order, headers, moving)


async def one(recorder: Recorder) -> None:
    """One order from its placing until it is shipped, and every way to look at it."""
    placed = await recorder.ask(_place("placed", "k-1", PLAIN))
    await recorder.ask(_place("placed again at once", "k-1", PLAIN, moving=True))
    path = f"/api/orders/{placed.json().get('id', 'none')}"
    await recorder.ask(Request("order: events", "GET", f"{path}/events"))
    await recorder.ask(Request("order: shipped", "GET", path))
    for after in ("0", "1", "2", "3", "1000000", "-1", "1000001"):
        headers = {"last-event-id": after}
        await recorder.ask(Request(f"order: events behind {after}", "GET", f"{path}/events", headers=headers))
    for name, value in (("last-event-id", "1"), ("x-figtree-user", "c-1")):
        twice = Request(
            f"order: {name} twice", "GET", f"{path}/events", None, {name: "0"}, twice={name: value}
        )
        await recorder.ask(twice)
    await recorder.ask(
        _place("same key, quantities as floats", "k-1", _order(("t-000001", 2.0), ("t-000007", 1e1)))
    )
    await recorder.ask(_place("placed again when shipped", "k-1", PLAIN))
    await recorder.ask(_place("same key, other lines", "k-1", _order(("t-000001", 3))))
    await recorder.ask(
        _place("same key, lines turned round", "k-1", _order(("t-000007", 10), ("t-000001", 2)))
    )
    await recorder.ask(_place("same key, other currency", "k-1", {**PLAIN, "currency": "USD"}))
    await recorder.ask(_place("same key, no such title", "k-1", _order(("none", 1))))
    other = {**PLAIN, "customer_id": f"{CUSTOMER}-b"}
    await recorder.ask(_place("same key, other customer", "k-1", other))
    for currency in ("JPY", "ISK", "SEK"):
        await recorder.ask(_place(f"in {currency}", f"k-{currency}", {**PLAIN, "currency": currency}))
    many = _order(*((f"t-{n:06}", n * 100) for n in range(1, 101)))
    await recorder.ask(_place("a hundred lines", "k-100", many))


async def refused(recorder: Recorder) -> None:
    """Orders that are not stored, so that their keys stay free."""
    await recorder.ask(_place("without a key", None, PLAIN))
    for name, key in (("an empty", ""), ("a long", "k" * 65), ("a spaced", "a b")):
        await recorder.ask(_place(f"{name} key", key, PLAIN))
    for name, first, second in (
        ("idempotency-key", "k-no", "k-no"),
        ("idempotency-key", "k-no", "k-other"),
        ("content-type", "application/json", "application/json"),
        ("x-figtree-user", "c-1", "c-2"),
    ):
        headers = {"idempotency-key": "k-no", name: first}
        label = f"order: {name} twice, {first} and {second}"
        await recorder.ask(Request(label, "POST", "/api/orders", PLAIN, headers, twice={name: second}))
    await recorder.ask(_place("nothing known", "k-no", _order(("none", 1), ("nothing", 2), currency="XXX")))
    await recorder.ask(_place("too many", "k-no", _order(("t-000001", 10_001))))
    await recorder.ask(_place("no lines", "k-no", _order()))
    await recorder.ask(_place("no customer", "k-no", _order(("t-000001", 1), customer="")))
    await recorder.ask(_place("a long customer", "k-no", _order(("t-000001", 1), customer="c" * 65)))
    await recorder.ask(_place("a customer with NUL", "k-no", _order(("t-000001", 1), customer="c\x00")))
    await recorder.ask(_place("half an order", "k-no", {"customer_id": CUSTOMER}))
    await recorder.ask(_place("with the key that was refused", "k-no", PLAIN))


async def many(recorder: Recorder) -> None:
    def bulk(name: str, orders: Any) -> Request:
        return Request(f"bulk: {name}", "POST", "/api/orders/bulk", {"orders": orders}, moving=True)

    items = [
        {**PLAIN, "idempotency_key": "b-1"},
        {**_order(("none", 1), ("t-000002", 1)), "idempotency_key": "b-2"},
        {**_order(("t-000003", 250), currency="JPY"), "idempotency_key": "b-3"},
        {**PLAIN, "idempotency_key": "b-1"},
        {**_order(("t-000004", 1)), "idempotency_key": "b-1"},
        {**_order(("t-000004", 1)), "idempotency_key": "k-1"},
        {**PLAIN, "idempotency_key": "k-1"},
        {**PLAIN, "currency": "XXX", "idempotency_key": "b-4"},
        {**_order(("t-000004", 1)), "customer_id": f"{CUSTOMER}-b", "idempotency_key": "b-1"},
    ]
    await recorder.ask(bulk("mixed", items))
    await recorder.ask(bulk("repeated", items))
    floats = {**_order(("t-000001", 2.0), ("t-000007", 10.0)), "idempotency_key": "b-1"}
    await recorder.ask(bulk("the same quantities as floats", [floats]))
    await recorder.ask(bulk("a fraction", [{**_order(("t-000001", 1.5)), "idempotency_key": "b-10"}]))
    await recorder.ask(bulk("empty", []))
    await recorder.ask(bulk("too many", [{**PLAIN, "idempotency_key": f"x-{n}"} for n in range(101)]))
    await recorder.ask(bulk("an item without a key", [PLAIN]))
    await recorder.ask(
        bulk("an item with a bad quantity", [{**_order(("t-000001", 0)), "idempotency_key": "b-9"}])
    )


async def listed(recorder: Recorder) -> None:
    """All orders of this run, once they rest."""
    path = f"/api/orders?customer_id={CUSTOMER}"
    newest = await recorder.ask(Request("orders: newest", "GET", path, moving=True))
    for place, order in enumerate(newest.json().get("orders", ())):
        await recorder.ask(Request(f"orders: events of {place}", "GET", f"/api/orders/{order['id']}/events"))
    path += "&page_size=3"
    token = ""
    for page in range(1, 10):
        answer = await recorder.ask(Request(f"orders: page {page}", "GET", f"{path}&page_token={token}"))
        token = answer.json().get("next_page_token")
        if not token:
            break
    await recorder.ask(
        Request("orders: of the other customer", "GET", f"/api/orders?customer_id={CUSTOMER}-b")
    )
