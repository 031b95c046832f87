from typing import Literal

from common.wire import from_decimal, from_money
from figtree.customer.v1 import customer_pb2 as pb
from figtree.customer.v1.customer_pb2_grpc import CustomerServiceStub
from grpc.aio import Channel

from rest_api.models import Customer, Money
from rest_api.remote.errors import translating

TIERS: dict[int, Literal["standard", "silver", "gold"]] = {
    pb.TIER_STANDARD: "standard",
    pb.TIER_SILVER: "silver",
    pb.TIER_GOLD: "gold",
}


class RemoteCustomers:
    """The port of customers, over gRPC."""

    def __init__(self, channel: Channel) -> None:
        self._stub = CustomerServiceStub(channel)

    async def get(self, customer_id: str) -> Customer:
        """Raises Missing."""
        with translating():
            answer = await self._stub.GetCustomer(pb.GetCustomerRequest(customer_id=customer_id))
        customer = answer.customer
        return Customer(
            id=customer.id,
            name=customer.name,
            tier=TIERS[customer.tier],
            discount_percent=from_decimal(customer.discount_percent),
            credit_limit=Money(
                amount=from_money(customer.credit_limit), currency=customer.credit_limit.currency_code
            ),
        )
