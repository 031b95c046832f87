"""Figures for Prometheus, counted where every shape of the system passes: at the edge."""

from collections.abc import Callable
from functools import cache

from prometheus_client import CollectorRegistry, Counter, Histogram, start_http_server

from rest_api.errors import EdgeError
from rest_api.models import Quote
from rest_api.ports import Placed

_registry = CollectorRegistry()
_orders = Counter("figtree_orders", "Orders stored", ["currency"], registry=_registry)
_value = Counter("figtree_order_value", "Total of the orders stored", ["currency"], registry=_registry)
_replayed = Counter("figtree_orders_replayed", "Orders that were stored before", registry=_registry)
_problems = Counter(
    "figtree_problems", "Requests, or orders of a bulk, with a problem", ["reason"], registry=_registry
)
_quotes = Counter("figtree_quotes", "Baskets priced", ["currency"], registry=_registry)
_degraded = Counter(
    "figtree_degraded", "Quotes given and orders stored without the catalogue", ["kind"], registry=_registry
)
for kind in ("quote", "order"):
    _degraded.labels(kind)  # so that there is a zero before the first
# Name, labels and buckets of OpenTelemetry: semantic conventions for HTTP metrics, http.server.request.duration.
_seconds = Histogram(
    "http_server_request_duration_seconds",
    "How long HTTP requests took",
    ["http_request_method", "http_route"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10),
    registry=_registry,
)


def serve(listen: str) -> Callable[[], None] | None:
    """On a port of its own, which no route of the edge leads to, until the result is called.

    `listen` is host:port, or empty for not at all.
    """
    if not listen:
        return None
    host, _, port = listen.rpartition(":")
    server, thread = start_http_server(int(port), host, _registry)

    def stop() -> None:
        server.shutdown()
        server.server_close()
        thread.join()

    return stop


def counted(answer: Placed | EdgeError) -> None:
    """Count an order that was placed, replayed or refused."""
    if isinstance(answer, EdgeError):
        refused(answer)
    elif answer.replayed:
        _replayed.inc()
    else:
        _orders.labels(answer.order.currency).inc()
        _value.labels(answer.order.currency).inc(float(answer.order.total))
        if answer.degraded:
            _degraded.labels("order").inc()


def refused(error: EdgeError) -> None:
    """Count a request that was refused."""
    _problems.labels(error.reason).inc()


def priced(quote: Quote) -> None:
    """Count a basket that was priced."""
    _quotes.labels(quote.currency).inc()
    if quote.titles_as_of:
        _degraded.labels("quote").inc()


@cache
def _of_route(method: str, route: str) -> Histogram:
    return _seconds.labels(method, route)


def took(method: str, route: str, seconds: float, trace_id: str) -> None:
    """Count a request by its duration; one that was traced becomes its bucket's exemplar (OpenMetrics)."""
    _of_route(method if route else "", route).observe(seconds, {"trace_id": trace_id} if trace_id else None)
