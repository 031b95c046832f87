"""Messages to values and back, and the one table of errors."""

from collections.abc import Mapping

from common.conventions import USER_HEADER
from common.wire import to_decimal, to_money
from figtree.customer.v1 import customer_pb2 as pb
from figtree.customer.v1.customer_pb2_grpc import CustomerServiceServicer
from grpc import StatusCode
from grpc.aio import ServicerContext
from service_kit.context import header

from customer.domain import Customer, InvalidRequest, NotTheWriter, StorageUnavailable, UnknownCustomer
from customer.service import Accounts

SERVICE = pb.DESCRIPTOR.services_by_name["CustomerService"].full_name

STATUS: Mapping[type[Exception], StatusCode] = {
    InvalidRequest: StatusCode.INVALID_ARGUMENT,
    UnknownCustomer: StatusCode.NOT_FOUND,
    NotTheWriter: StatusCode.ABORTED,
    StorageUnavailable: StatusCode.UNAVAILABLE,
}

TIERS = {"standard": pb.TIER_STANDARD, "silver": pb.TIER_SILVER, "gold": pb.TIER_GOLD}


def to_proto(customer: Customer) -> pb.Customer:
    """The one mapping from an account to the contract."""
    return pb.Customer(
        id=customer.id,
        name=customer.name,
        tier=TIERS[customer.tier],
        discount_percent=to_decimal(customer.discount_percent),
        credit_limit=to_money(customer.credit_limit, customer.credit_currency),
    )


class CustomerServicer(CustomerServiceServicer):
    """The gRPC surface; customer.proto documents the methods."""

    def __init__(self, accounts: Accounts) -> None:
        self._accounts = accounts

    async def GetCustomer(
        self,
        request: pb.GetCustomerRequest,
        context: ServicerContext[pb.GetCustomerRequest, pb.GetCustomerResponse],
    ) -> pb.GetCustomerResponse:
        """One account; where the mesh has verified the user, only their own (istio/security/edge-jwt.yaml)."""
        found = await self._accounts.get(request.customer_id, header(USER_HEADER))
        return pb.GetCustomerResponse(customer=to_proto(found))

    async def BatchGetCustomers(
        self,
        request: pb.BatchGetCustomersRequest,
        context: ServicerContext[pb.BatchGetCustomersRequest, pb.BatchGetCustomersResponse],
    ) -> pb.BatchGetCustomersResponse:
        """The accounts that exist."""
        found = await self._accounts.batch_get(request.customer_ids)
        return pb.BatchGetCustomersResponse(customers=map(to_proto, found))
