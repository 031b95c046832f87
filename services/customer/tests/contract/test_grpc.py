"""The gRPC surface over a real server on a socket, over each storage."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from customer.__main__ import CONVENTIONS
from customer.domain import Customer
from customer.service import Accounts, Customers
from customer.servicer import STATUS, CustomerServicer
from figtree.customer.v1 import customer_pb2 as pb
from figtree.customer.v1.customer_pb2_grpc import CustomerServiceStub, add_CustomerServiceServicer_to_server
from figtree.money.v1.money_pb2 import Decimal, Money
from google.rpc import error_details_pb2
from grpc import StatusCode, aio
from grpc_status import rpc_status
from service_kit.errors import ErrorInterceptor


@pytest.fixture
async def stub(customers: Customers, york: Customer, tmp_path: Path) -> AsyncIterator[Any]:
    await customers.put([[york, replace(york, id="c-1")]])
    server = aio.server(interceptors=[ErrorInterceptor(STATUS, CONVENTIONS)])
    add_CustomerServiceServicer_to_server(CustomerServicer(Accounts(customers)), server)
    address = f"unix:{tmp_path}/customer"
    server.add_insecure_port(address)
    await server.start()
    async with aio.insecure_channel(address) as channel:
        yield CustomerServiceStub(channel)
    await server.stop(None)


async def test_an_account_has_all_its_fields(stub: Any) -> None:
    answer = await stub.GetCustomer(pb.GetCustomerRequest(customer_id="c-1039"))
    assert answer.customer == pb.Customer(
        id="c-1039",
        name="York Minster Library",
        tier=pb.TIER_GOLD,
        discount_percent=Decimal(value="5"),
        credit_limit=Money(currency_code="GBP", units=900_000, nanos=500_000_000),
    )


async def test_an_unknown_customer_is_not_found_and_named(stub: Any) -> None:
    with pytest.raises(aio.AioRpcError, match="there is no customer c-9") as caught:
        await stub.GetCustomer(pb.GetCustomerRequest(customer_id="c-9"))
    assert caught.value.code() is StatusCode.NOT_FOUND
    status, resource = rpc_status.from_call(caught.value), error_details_pb2.ResourceInfo()
    assert status is not None
    assert any(detail.Unpack(resource) for detail in status.details)
    assert (resource.resource_type, resource.resource_name) == ("customer", "c-9")


async def test_a_verified_user_sees_no_account_but_their_own(stub: Any) -> None:
    get = pb.GetCustomerRequest(customer_id="c-1039")
    own = await stub.GetCustomer(get, metadata=(("x-figtree-user", "c-1039"),))
    assert own.customer.id == "c-1039"
    with pytest.raises(aio.AioRpcError, match="there is no customer c-1039") as caught:
        await stub.GetCustomer(get, metadata=(("x-figtree-user", "c-1"),))
    assert caught.value.code() is StatusCode.NOT_FOUND


async def test_a_batch_leaves_out_what_does_not_exist(stub: Any) -> None:
    request = pb.BatchGetCustomersRequest(customer_ids=["c-1", "c-9", "c-1039"])
    answer = await stub.BatchGetCustomers(request)
    assert [customer.id for customer in answer.customers] == ["c-1", "c-1039"]


async def test_more_than_a_thousand_are_refused(stub: Any) -> None:
    request = pb.BatchGetCustomersRequest(customer_ids=["c-1"] * 1001)
    with pytest.raises(aio.AioRpcError, match="customer_ids: must be at most 1000") as caught:
        await stub.BatchGetCustomers(request)
    assert caught.value.code() is StatusCode.INVALID_ARGUMENT
