"""When an object is loaded, by what istiod says that it has."""

from runtime.mesh_objects import MADE_FROM, is_gone, is_loaded

Known = dict[str, dict[str, str]]

RULE, ROUTE = "VirtualService/figtree/pricing", "HTTPRoute/figtree/pricing"
ITSELF: Known = {ROUTE: {}}
MADE: Known = {
    "VirtualService/figtree/made": {MADE_FROM: "GRPCRoute/order.figtree,HTTPRoute/pricing.figtree"}
}
OTHERS: Known = {
    "VirtualService/figtree/made": {MADE_FROM: "HTTPRoute/pricing.elsewhere,HTTPRoute/pricing-b.figtree"}
}


def test_an_object_of_istio_is_loaded_when_istiod_has_it() -> None:
    assert is_loaded(RULE, {RULE: {}})
    assert not is_loaded(RULE, MADE)
    assert is_gone(RULE, MADE)
    assert not is_gone(RULE, {RULE: {}})


def test_a_route_is_loaded_when_istiod_has_made_something_of_it() -> None:
    assert is_loaded(ROUTE, ITSELF | MADE)
    assert not is_loaded(ROUTE, ITSELF)
    assert not is_loaded(ROUTE, ITSELF | OTHERS)
    assert not is_loaded(ROUTE, MADE)


def test_a_route_is_gone_when_nothing_is_left_of_it() -> None:
    assert is_gone(ROUTE, OTHERS)
    assert not is_gone(ROUTE, MADE)
    assert not is_gone(ROUTE, ITSELF | OTHERS)
