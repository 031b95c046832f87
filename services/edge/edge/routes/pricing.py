from fastapi import APIRouter

from edge.models import Basket, Quote
from edge.routes.ports import PortsOf, may_answer

router = APIRouter(prefix="/api/quotes", tags=["pricing"])


@router.post("", responses=may_answer(400))
async def quote(ports: PortsOf, basket: Basket) -> Quote:
    return await ports.pricing.quote(basket)
