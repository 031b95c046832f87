from decimal import Decimal
from typing import Annotated

from fastapi import APIRouter, Query

from rest_api.models import AMOUNT, Conversion, CurrencyCode, Day, RateTable
from rest_api.routes.ports import PortsOf, may_answer

router = APIRouter(prefix="/api", tags=["currency"])

On = Annotated[
    Day | None,
    Query(
        alias="date",
        description="A day without rates falls back to the banking day before it; none means the latest",
    ),
]
Amount = Annotated[str, Query(pattern=AMOUNT, description="Exact decimal", examples=["12.50"])]


@router.get("/rates", responses=may_answer())
async def get_rates(ports: PortsOf, on: On = None) -> RateTable:
    """What one euro costs."""
    return await ports.currencies.rates(on)


@router.get("/convert", responses=may_answer())
async def convert(
    ports: PortsOf,
    amount: Amount,
    source: Annotated[CurrencyCode, Query(alias="from")],
    target: Annotated[CurrencyCode, Query(alias="to")],
    on: On = None,
) -> Conversion:
    """By cross rate over the euro, rounded half to even at the smallest unit of the target."""
    return await ports.currencies.convert(Decimal(amount), source, target, on)
