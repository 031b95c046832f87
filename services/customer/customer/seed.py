"""The accounts that a fresh installation starts with."""

from collections.abc import Sequence
from decimal import Decimal

from customer.domain import DISCOUNTS, Customer

FIRST_NUMBER = 1001
WITHOUT_LIMIT = Decimal(1_000_000_000)  # load tests order on these accounts

STANDARD = (
    "Aarhus Public Library",
    "Amsterdam City Library",
    "Antwerp Provincial Library",
    "Bath Reading Rooms",
    "Bergen Harbour Library",
    "Boston Common Library",
    "Bristol Docks Library",
    "Cork County Library",
    "Dresden Municipal Library",
    "Dundee Jute Works Library",
    "Edinburgh Old Town Library",
    "Florence Oltrarno Library",
    "Galway Bay Library",
    "Ghent Canal Library",
    "Glasgow East End Library",
    "Gothenburg Tram Depot Library",
    "Graz Schlossberg Library",
    "Halifax Waterfront Library",
    "Helsinki Market Square Library",
    "Innsbruck Valley Library",
    "Kraków Kazimierz Library",
    "Leeds Mill Street Library",
    "Ljubljana Riverside Library",
    "Lyon Croix-Rousse Library",
    "Malmö Seaside Library",
    "Nantes Island Library",
    "Norwich Cathedral Close Library",
    "Oslo Fjord Library",
    "Portland Bridge District Library",
    "Porto Ribeira Library",
)
OTHERS = (
    ("Rotterdam Maritime Library", "silver", "250000", "EUR"),
    ("Salzburg Festival Library", "silver", "80000", "EUR"),
    ("Sheffield Steel Quarter Library", "silver", "120000", "GBP"),
    ("Tartu University Town Library", "silver", "60000.50", "EUR"),
    ("Toronto Lakeshore Library", "silver", "400000", "USD"),
    ("Uppsala Reference Library", "gold", "1500000", "EUR"),
    ("Vienna Ring Road Library", "gold", "2000000", "EUR"),
    ("Washington Heights Research Library", "gold", "3000000", "USD"),
    ("York Minster Library", "gold", "900000", "GBP"),
    ("Zutphen Chained Library", "standard", "100.00", "EUR"),  # small enough to be refused
)
CURRENCIES = ("EUR", "USD", "GBP")


def accounts() -> Sequence[Customer]:
    """The accounts of an empty database, the same ones each time."""
    rows = [
        (name, "standard", WITHOUT_LIMIT, CURRENCIES[place % len(CURRENCIES)])
        for place, name in enumerate(STANDARD)
    ]
    rows += [(name, tier, Decimal(limit), currency) for name, tier, limit, currency in OTHERS]
    return [
        Customer(f"c-{number}", name, tier, DISCOUNTS[tier], limit, currency)
        for number, (name, tier, limit, currency) in enumerate(rows, FIRST_NUMBER)
    ]
