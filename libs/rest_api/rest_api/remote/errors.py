"""What a neighbour answered instead of a result, in the edge's words."""

from collections.abc import Iterator
from contextlib import contextmanager

from google.rpc.error_details_pb2 import BadRequest, ResourceInfo
from grpc import StatusCode
from grpc.aio import AioRpcError
from service_kit.errors import details_in, reason_in

from rest_api import errors

# grpc/grpc#36066: a status that meets a message on its way out is forgotten by the asyncio client, which says this
# instead. What the callee had said is lost; a stream of orders may be repeated, since each has its key.
LOST = "Internal error from Core"


def translated(error: AioRpcError) -> Exception:
    """The error of the port for a gRPC status; the status itself if it is a fault."""
    reason = reason_in(error)
    if reason == "NOT_THE_WRITER":
        return errors.NotTheWriter()
    match error.code():
        case StatusCode.INVALID_ARGUMENT:
            wrong = (v for bad in details_in(error, BadRequest) for v in bad.field_violations)
            violations = [(v.field, v.description) for v in wrong]
            return errors.Invalid(violations or [("request", error.details() or "is not valid")])
        case StatusCode.NOT_FOUND:
            return errors.Missing(*_resource(error))
        case StatusCode.ALREADY_EXISTS:
            return errors.Conflict(_resource(error)[1])
        case StatusCode.FAILED_PRECONDITION:
            return errors.Refused(error.details() or "")
        case StatusCode.RESOURCE_EXHAUSTED:
            return errors.Overloaded(error.details() or "")
        case StatusCode.DEADLINE_EXCEEDED:
            return errors.TooLate("the deadline passed")
        case StatusCode.PERMISSION_DENIED:
            mesh = "the mesh forbids this call"
            return errors.Denied(error.details() or mesh if reason == "NOT_YOURS" else mesh)
        case StatusCode.UNAVAILABLE if reason == "CATALOGUE_AWAY":
            return errors.Unavailable(error.details() or "")
        case StatusCode.UNAVAILABLE | StatusCode.CANCELLED:
            return errors.Unavailable("please repeat the request")
        case StatusCode.INTERNAL if error.details() == LOST:
            return errors.Unavailable("please repeat the request")
        case _:
            return error


def _resource(error: AioRpcError) -> tuple[str, str]:
    found = ((info.resource_type, info.resource_name) for info in details_in(error, ResourceInfo))
    return next(found, ("resource", "of that name"))


@contextmanager
def translating() -> Iterator[None]:
    """Raises the error of the port instead of a gRPC status."""
    try:
        yield
    except AioRpcError as error:
        raise translated(error) from error
