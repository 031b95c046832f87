from fastapi import APIRouter, Depends, Response

from rest_api import figures
from rest_api.models import Basket, Quote
from rest_api.routes.body import json_only
from rest_api.routes.ports import DEGRADED_HEADER, PortsOf, may_answer, tell

router = APIRouter(prefix="/api/quotes", tags=["pricing"])


@router.post(
    "",
    responses={200: {"headers": DEGRADED_HEADER}, **may_answer(413, 415)},
    dependencies=[Depends(json_only)],
)
async def quote(ports: PortsOf, basket: Basket, response: Response) -> Quote:
    """Prices a basket at the latest rates."""
    quote = await ports.pricing.quote(basket)
    figures.priced(quote)
    tell(response, quote.degraded)
    return quote
