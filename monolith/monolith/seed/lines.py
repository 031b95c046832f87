"""What a fresh installation starts with, as the lines that `import` reads: the monolith's and that of each service."""

import json
from collections.abc import Iterator, Mapping

from monolith.seed import BREAKS, catalogue, ecb


def lines(module: str, title_count: int = 0) -> Iterator[str]:
    """One JSON object each, of title, currency or pricing; titles and prices are generated up to `title_count`."""
    for fields in _FIELDS[module](title_count):
        yield json.dumps(fields, ensure_ascii=False) + "\n"


def _titles(count: int) -> Iterator[Mapping[str, object]]:
    for entry in catalogue.entries(count):
        yield {name: value for name, value in entry.items() if name in catalogue.COLUMNS}


def _rates(_: int) -> Iterator[Mapping[str, object]]:
    for day, currency, rate in ecb.rows():
        yield {"date": day.isoformat(), "currency": currency, "rate": str(rate)}


def _prices(count: int) -> Iterator[Mapping[str, object]]:
    for entry in catalogue.entries(count):
        yield {"title_id": entry["id"], **entry["price"]}
    for quantity, percent in BREAKS:
        yield {"minimum_quantity": quantity, "percent": str(percent)}


_FIELDS = {"title": _titles, "currency": _rates, "pricing": _prices}
