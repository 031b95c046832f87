from order.domain import NewOrder
from order.ports import PlaceRequest
from uuid_utils.compat import uuid7


def place_requests(*wanted: tuple[str, NewOrder]) -> list[PlaceRequest]:
    """A request for each idempotency key and order, each with a new id."""
    return [PlaceRequest(id=uuid7(), key=key, order=order) for key, order in wanted]
