"""Who the load over gRPC is made of: the same shares, and all four kinds of calls."""

from collections.abc import Iterator
from functools import partial
from itertools import count
from typing import Any

from figtree.currency.v1.currency_pb2 import GetRatesRequest, GetRatesResponse
from figtree.currency.v1.currency_pb2_grpc import CurrencyServiceStub
from figtree.order.v1 import order_pb2 as pb
from figtree.order.v1.order_pb2_grpc import OrderServiceStub
from figtree.pricing.v1.pricing_pb2 import (
    Quote,
    QuoteRequest,
    QuoteResponse,
    QuoteStreamRequest,
    QuoteStreamResponse,
)
from figtree.pricing.v1.pricing_pb2_grpc import PricingServiceStub
from figtree.title.v1.title_pb2 import (
    GetTitleRequest,
    GetTitleResponse,
    ListTitlesRequest,
    SearchTitlesRequest,
)
from figtree.title.v1.title_pb2_grpc import TitleServiceStub

from loadtests import pricing, rpc
from loadtests.answer import Wrong, same
from loadtests.baskets import CUSTOMERS, NO_TITLE, QUOTED, Basket, draw
from loadtests.client import TIMEOUT
from loadtests.rpc import RpcCaller

_keys = count(1)
LISTED = 50  # titles that a reader of the whole catalogue takes before leaving


def _is_named(name: str, answer: GetTitleResponse) -> None:
    same("the name", answer.title.name, name)


def _is_of(day: str, answer: GetRatesResponse) -> None:
    same("the day", answer.date, day)


def _is_unchanged(placed: dict[str, Any], answer: pb.GetOrderResponse) -> None:
    pricing.same_order(placed, rpc.order(answer.order))


def _sent(service: OrderServiceStub, wanted: list[tuple[str, str, Basket]]) -> pb.PlaceOrdersResponse:
    return service.PlaceOrders(rpc.requests(wanted), timeout=TIMEOUT)


def _watched(service: OrderServiceStub, order_id: str) -> list[pb.WatchOrderResponse]:
    return list(service.WatchOrder(pb.WatchOrderRequest(order_id=order_id), timeout=TIMEOUT))


class RpcBrowser(RpcCaller):
    weight = 46

    def script(self) -> Iterator[None]:
        titles, rates = self.stub(TitleServiceStub, "title"), self.stub(CurrencyServiceStub, "currency")
        reference = self.shared.reference
        while True:
            title_id = self.random.choice(list(reference.titles))
            name = reference.titles[title_id]["name"]
            self.call(
                "GetTitle",
                partial(titles.GetTitle, GetTitleRequest(title_id=title_id), timeout=TIMEOUT),
                partial(_is_named, name),
            )
            yield
            self.call(
                "GetTitle, unknown",
                partial(titles.GetTitle, GetTitleRequest(title_id=NO_TITLE), timeout=TIMEOUT),
                lambda said: same("the refusal", said, f"there is no title {NO_TITLE}"),
                "NOT_FOUND",
            )
            yield
            self.call(
                "SearchTitles",
                partial(titles.SearchTitles, SearchTitlesRequest(page_size=20), timeout=TIMEOUT),
                lambda answer: same("the number of titles", len(answer.titles), 20),
            )
            yield
            self.call("ListTitles", partial(self._listed, titles), self._in_order)
            yield
            latest = reference.latest
            self.call(
                "GetRates",
                partial(rates.GetRates, GetRatesRequest(), timeout=TIMEOUT),
                partial(_is_of, latest.date),
            )
            yield

    def _listed(self, titles: TitleServiceStub) -> list[str]:
        stream = titles.ListTitles(ListTitlesRequest(), timeout=TIMEOUT)
        ids = [answer.title.id for answer, _ in zip(stream, range(LISTED), strict=False)]
        stream.cancel()
        return ids

    @staticmethod
    def _in_order(ids: list[str]) -> None:
        same("the number of titles", len(ids), LISTED)
        same("the order of titles", ids, sorted(ids))


class RpcQuoter(RpcCaller):
    weight = 20

    def script(self) -> Iterator[None]:
        service, reference = self.stub(PricingServiceStub, "pricing"), self.shared.reference
        while True:
            basket = draw(self.random, reference, QUOTED)
            request = QuoteRequest(basket=rpc.to_basket(basket))
            self.call(
                "Quote",
                partial(service.Quote, request, timeout=TIMEOUT),
                partial(self._check_one, basket),
            )
            yield
            changing = [basket, basket.more()]
            self.call(
                "QuoteStream",
                partial(self._stream, service, changing),
                partial(self._check_all, changing),
            )
            yield

    def _stream(self, service: PricingServiceStub, baskets: list[Basket]) -> list[QuoteStreamResponse]:
        requests = (QuoteStreamRequest(revision=n, basket=rpc.to_basket(b)) for n, b in enumerate(baskets))
        return list(service.QuoteStream(requests, timeout=TIMEOUT))

    def _check_one(self, basket: Basket, answer: QuoteResponse) -> None:
        self._check(basket, answer.quote)

    def _check(self, basket: Basket, quote: Quote) -> None:
        pricing.quote(self.shared.reference, basket, "", rpc.as_answer(rpc.quote(quote)))

    def _check_all(self, baskets: list[Basket], answers: list[QuoteStreamResponse]) -> None:
        same("the revisions", [answer.revision for answer in answers], list(range(len(baskets))))
        for basket, answer in zip(baskets, answers, strict=True):
            self._check(basket, answer.result.quote)


class RpcOrderer(RpcCaller):
    abstract = True

    def draw(self) -> tuple[str, str, Basket]:
        key = f"{self.shared.ledger.run}-rpc-{next(_keys)}"
        wanted = self.random.choice(CUSTOMERS), key, draw(self.random, self.shared.reference)
        self.shared.ledger.attempt(*wanted[:2])
        return wanted

    def place(
        self, name: str, wanted: tuple[str, str, Basket], replayed: bool = False
    ) -> dict[str, Any] | None:
        customer, key, basket = wanted
        request = pb.PlaceOrderRequest(idempotency_key=key, order=rpc.new_order(customer, basket))
        service = self.stub(OrderServiceStub, "order")

        def check(answer: pb.PlaceOrderResponse) -> dict[str, Any]:
            same("whether the key was known", answer.replayed, replayed)
            return self.checked(wanted, answer.order)

        return self.call(name, partial(service.PlaceOrder, request, timeout=TIMEOUT), check)

    def checked(self, wanted: tuple[str, str, Basket], order: pb.Order) -> dict[str, Any]:
        customer, key, basket = wanted
        found = rpc.order(order)
        known = self.shared.ledger.placed(customer, key, found["id"], found["total"], found["currency"])
        if known is None:
            self.shared.recorder.order_placed()
        elif known != found["id"]:
            raise Wrong(f"the key {key} has a second order, {found['id']} besides {known}")
        pricing.order(self.shared.reference, customer, basket, found)
        return found


class RpcBuyer(RpcOrderer):
    weight = 20

    def script(self) -> Iterator[None]:
        service = self.stub(OrderServiceStub, "order")
        while True:
            wanted = self.draw()
            placed = self.place("PlaceOrder", wanted)
            yield
            if placed is None:
                continue
            self.call(
                "GetOrder",
                partial(service.GetOrder, pb.GetOrderRequest(order_id=placed["id"]), timeout=TIMEOUT),
                partial(_is_unchanged, placed),
            )
            yield
            if self.random.random() < 0.3:
                self.place("PlaceOrder, repeated", wanted, replayed=True)
                yield


class RpcBulkBuyer(RpcOrderer):
    weight = 4

    def script(self) -> Iterator[None]:
        service = self.stub(OrderServiceStub, "order")
        while True:
            wanted = [self.draw() for _ in range(5)]
            self.call(
                "PlaceOrders",
                partial(_sent, service, wanted),
                partial(self._results, wanted),
            )
            yield

    def _results(self, wanted: list[tuple[str, str, Basket]], answer: pb.PlaceOrdersResponse) -> None:
        same("the keys", [result.idempotency_key for result in answer.results], [key for _, key, _ in wanted])
        for one, result in zip(wanted, answer.results, strict=True):
            self.checked(one, result.order)


class RpcWatcher(RpcOrderer):
    weight = 10

    def script(self) -> Iterator[None]:
        service = self.stub(OrderServiceStub, "order")
        while True:
            placed = self.place("PlaceOrder", self.draw())
            yield
            if placed is None:
                continue
            self.call(
                "WatchOrder",
                partial(_watched, service, placed["id"]),
                lambda events: same("the steps", [e.sequence for e in events], [1, 2, 3]),
            )
            yield
