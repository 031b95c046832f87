"""What can be strangled, in the order in which it is."""

from strangler.module import Module, Table

TITLE = Module(
    "title",
    (Table("titles", ("id",)),),
    prefixes=("/api/titles",),
    probes=(
        ("GET", "/api/titles?page_size=100", ""),
        ("GET", "/api/titles?query=the", ""),
        ("GET", "/api/titles/t-000001", ""),
        ("GET", "/api/titles/none", ""),
    ),
)
CURRENCY = Module(
    "currency",
    (Table("rates", ("date", "currency")),),
    prefixes=("/api/rates", "/api/convert"),
    probes=(
        ("GET", "/api/rates", ""),
        ("GET", "/api/rates?date=2024-02-29", ""),
        ("GET", "/api/convert?amount=12.50&from=USD&to=JPY&date=2024-03-03", ""),
        ("GET", "/api/convert?amount=1&from=EUR&to=XXX", ""),
    ),
)
PRICING = Module(
    "pricing",
    (
        Table("list_prices", ("title_id",)),
        Table("price_breaks", ("minimum_quantity",)),
    ),
    newcomers=("customer",),
    prefixes=("/api/quotes",),
    probes=(
        (
            "POST",
            "/api/quotes",
            '{"currency": "USD", "lines": ['
            '{"title_id": "t-000001", "quantity": 3}, {"title_id": "t-000002", "quantity": 50}]}',
        ),
        ("POST", "/api/quotes", '{"currency": "JPY", "lines": [{"title_id": "t-000003", "quantity": 1}]}'),
        ("POST", "/api/quotes", '{"currency": "EUR", "lines": [{"title_id": "none", "quantity": 1}]}'),
    ),
)
ORDER = Module(
    "order",
    (
        Table("orders", ("id",)),
        Table("order_lines", ("order_id", "line_number")),
        Table("order_events", ("order_id", "sequence")),
    ),
    written_live=True,
    # Events that the service had published but not yet acted on: the monolith's worker takes them up.
    on_return="update order_events e set published = false from orders o where o.id = e.order_id"
    " and o.status <> 'shipped' and e.status = o.status and e.published",
    prefixes=("/api/orders",),
    probes=(
        ("GET", "/api/orders?page_size=5", ""),
        ("GET", "/api/orders/00000000-0000-7000-8000-000000000000", ""),
    ),
)

MODULES = (CURRENCY, TITLE, PRICING, ORDER)
BY_NAME = {module.name: module for module in MODULES}
SHAPES = ("0-monolith", "1-currency", "2-title", "3-pricing", "4-order", "5-no-monolith")
LAST = len(SHAPES) - 1
