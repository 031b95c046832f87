"""What can be strangled, in the order in which it is."""

from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TRAFFIC = ROOT / "istio" / "traffic"


@dataclass(frozen=True, slots=True)
class Table:
    """A table that moves with its module, and its key."""

    name: str
    key: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Module:
    """A module of the monolith and the service that replaces it; both have the module's name."""

    name: str
    tables: tuple[Table, ...]  # in the order in which every statement locks them
    written_live: bool = False  # users write it, not only the back office
    newcomers: tuple[str, ...] = ()  # services that appear with this step and never were in the monolith
    on_return: str = ""  # SQL for the monolith's database when the monolith is the writer again
    prefixes: tuple[str, ...] = ()  # of the edge
    probes: tuple[
        tuple[str, str, str], ...
    ] = ()  # method, path and body of requests that are always mirrored

    def traffic(self, state: str) -> Path:
        """The file that sends the module's prefix of the edge where `state` says."""
        return TRAFFIC / f"edge-{self.name}-{state}.yaml"

    @property
    def shares(self) -> tuple[str, ...]:
        """Percentages of the reads that the service gets, one after the other, while the module co-exists.

        Rows that users write are read from one copy at a time: a commit that waits for the replica is visible there
        first, so a user who met both copies could see an order go back (docs/decisions/0026).
        """
        return ("100",) if self.written_live else ("10", "50", "100")

    @property
    def done(self) -> str:
        """The state of the module's traffic once it is strangled."""
        return "gateway" if self.written_live else "100"


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


def newcomer_traffic(module: Module) -> list[Path]:
    """The files that route the services which appear with this module."""
    return [TRAFFIC / f"edge-{name}-gateway.yaml" for name in module.newcomers]
