from fastapi import APIRouter

from rest_api.errors import Missing
from rest_api.models import Customer, CustomerId
from rest_api.routes.ports import PortsOf, may_answer

router = APIRouter(prefix="/api/customers", tags=["customer"])


@router.get("/{customer_id}", responses=may_answer(404))
async def get_customer(ports: PortsOf, customer_id: CustomerId) -> Customer:
    """The account of a customer."""
    if ports.customers is None:
        raise Missing("customer", customer_id)
    return await ports.customers.get(customer_id)
