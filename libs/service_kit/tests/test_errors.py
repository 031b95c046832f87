"""What a client learns of an exception."""

from typing import Any

import pytest
from google.rpc import error_details_pb2
from grpc import StatusCode, aio
from grpc_status import rpc_status
from service_kit.errors import reason_of

FAIL, FAIL_LATER = "/example.Example/Fail", "/example.Example/FailLater"


def test_the_reason_is_the_name_of_the_class() -> None:
    class UnknownTitle(Exception): ...

    assert reason_of(UnknownTitle()) == "UNKNOWN_TITLE"


async def test_the_text_of_an_unexpected_error_stays_inside(channel: Any, example: Any) -> None:
    with pytest.raises(aio.AioRpcError) as caught:
        await channel.unary_unary(FAIL)(b"")
    assert (caught.value.code(), caught.value.details()) == (StatusCode.INTERNAL, "internal error")
    assert "hunter2" not in repr(caught.value)
    assert "password=hunter2" in example.log()


async def test_a_stream_that_breaks_keeps_its_text_inside_too(channel: Any) -> None:
    call = channel.unary_stream(FAIL_LATER)(b"")
    assert await call.read() == b"one"
    with pytest.raises(aio.AioRpcError) as caught:
        await call.read()
    assert (caught.value.code(), caught.value.details()) == (StatusCode.INTERNAL, "internal error")


async def test_an_error_of_the_table_comes_with_all_its_details(channel: Any) -> None:
    with pytest.raises(aio.AioRpcError) as caught:
        await channel.unary_unary(FAIL)(b"lines 100")
    assert caught.value.code() is StatusCode.INVALID_ARGUMENT
    info, bad, resource = (
        error_details_pb2.ErrorInfo(),
        error_details_pb2.BadRequest(),
        error_details_pb2.ResourceInfo(),
    )
    status = rpc_status.from_call(caught.value)
    assert status is not None
    assert all(
        detail.Unpack(kind) for detail, kind in zip(status.details, (info, bad, resource), strict=True)
    )
    assert (info.reason, info.domain) == ("TOO_MANY_BAD_LINES", "example")
    assert [v.field for v in bad.field_violations] == [f"lines[{n}].title_id" for n in range(100)]
    assert (resource.resource_type, resource.resource_name) == ("basket", "b-1")


async def test_an_error_is_found_in_the_table_by_its_base_class(channel: Any) -> None:
    with pytest.raises(aio.AioRpcError) as caught:
        await channel.unary_unary(FAIL)(b"key")
    assert caught.value.code() is StatusCode.NOT_FOUND
