from fastapi import APIRouter, Depends

from rest_api import figures
from rest_api.models import Basket, Quote
from rest_api.routes.body import json_only
from rest_api.routes.ports import PortsOf, may_answer

router = APIRouter(prefix="/api/quotes", tags=["pricing"])


@router.post("", responses=may_answer(413, 415), dependencies=[Depends(json_only)])
async def quote(ports: PortsOf, basket: Basket) -> Quote:
    """Prices a basket at the latest rates."""
    quote = await ports.pricing.quote(basket)
    figures.priced(quote)
    return quote
