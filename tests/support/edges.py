"""Who calls whom, shape by shape: the architecture diagram as a list that traces and metrics are held against."""

EDGE = "istio-ingressgateway"
OLD = {(EDGE, "monolith")}
NEW = {(EDGE, "gateway")}
PRICES = {("pricing", "title"), ("pricing", "currency")}
CALLS = {
    "0-monolith": OLD,
    "3-pricing": OLD
    | NEW
    | PRICES
    | {("gateway", name) for name in ("title", "currency", "pricing", "customer")}
    | {("monolith", "pricing")},
    "5-no-monolith": NEW
    | PRICES
    | {("gateway", name) for name in ("title", "currency", "pricing", "customer", "order")}
    | {("order", "pricing"), ("order", "customer")},
}
