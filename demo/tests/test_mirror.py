"""What the mirror's two answers are compared by."""

import httpx
import pytest
from strangler import mirror


def test_answers_are_paired_by_request_and_only_under_the_prefix() -> None:
    line = '{"at":"2026-11-23T18:00:00.000Z","answer_to":"%s","method":"GET","path":"%s","status":200,"digest":"d"}'
    monolith = mirror.parse([line % ("a", "/api/titles"), line % ("b", "/api/rates"), "noise"])
    gateway = mirror.parse(
        [line % ("a", "/api/titles"), line % ("b", "/api/rates"), line % ("c", "/api/titles")]
    )
    answer = mirror.Answer("GET", "/api/titles", "200", "d")
    assert mirror.pairs(monolith, gateway, ("/api/titles",)) == [(answer, answer)]
    assert mirror.parse([line % ("a", "/api/titles")], begun=2e9) == {}


@pytest.mark.parametrize("wrong", [0, 1])
async def test_lists_of_customers_are_in_no_log_and_are_compared_by_asking_both_sides(
    monkeypatch: pytest.MonkeyPatch, wrong: int
) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        customer, side = request.url.params.get("customer_id"), request.headers.get(mirror.SIDE_HEADER)
        if customer is None:
            orders = [{"customer_id": name} for name in ("a", "b", "a")]
            return httpx.Response(200, json={"orders": orders})
        return httpx.Response(200, text=f"{customer}{wrong and side if customer == 'b' else ''}")

    monkeypatch.setattr(mirror, "PATIENCE", 0.2)
    async with httpx.AsyncClient(base_url="http://edge", transport=httpx.MockTransport(answer)) as client:
        seen = await mirror.of_customers(client)
    assert (seen.pairs, seen.mismatches) == (2, wrong)
    assert seen.examples == ("GET /api/orders of 1 customers",) * wrong
