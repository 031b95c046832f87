"""Both implementations, asked the same: their answers are equal byte by byte, their errors with every detail."""

import asyncio
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import date
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import grpc
import pytest
from currency.database import database, migrate
from currency.domain import Rate
from currency.storage import SqlRates
from figtree.currency.v1 import currency_pb2 as pb
from figtree.currency.v1.currency_pb2_grpc import CurrencyServiceStub
from figtree.money.v1.money_pb2 import Money
from google.rpc import error_details_pb2
from grpc import StatusCode
from grpc_health.v1 import health_pb2
from grpc_health.v1.health_pb2_grpc import HealthStub
from grpc_reflection.v1alpha import reflection_pb2
from grpc_reflection.v1alpha.reflection_pb2_grpc import ServerReflectionStub
from grpc_status import rpc_status
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.support.implementations import IMPLEMENTATIONS, currency
from tests.support.postgres import Postgres
from tests.support.processes import free_port

SERVICE = "figtree.currency.v1.CurrencyService"
SAMPLED = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
FIRST, LAST = date(2026, 4, 2), date(2026, 4, 10)
RATES = {  # as many digits as an import takes, quotients that end and that do not
    "ISK": "143.10",
    "JPY": "171.00",
    "IDR": "19999.87",
    "AAA": "0.000000000001",
    "BBB": "999999999.999999999999",
    "CCC": "1",
    "DDD": "10",
    "FFF": "0.1",
    "GGG": "100.00",
    "HHH": "3",
    "III": "7.000",
    "JJJ": "1.005",
    "KKK": "0.86515",
    "LLL": "123456789.987654321012",
}
CODES = st.sampled_from(["EUR", *RATES])

amounts = st.one_of(
    st.integers(-(10**11), 10**11).map(lambda cents: cents * 10**7),
    st.integers(-(10**20), 10**20),
    st.integers(-(2**63) * 10**9, (2**63) * 10**9 - 1),
)


def money(nanos: int, currency_code: str) -> Money:
    """So many billionths."""
    sign = -1 if nanos < 0 else 1
    whole, part = divmod(abs(nanos), 10**9)
    return Money(currency_code=currency_code, units=sign * whole, nanos=sign * part)


valid = st.builds(
    pb.ConvertRequest,
    amount=st.builds(money, amounts, CODES),
    to_currency_code=CODES,
    date=st.sampled_from(["", "2026-04-06", "2026-04-10", "2026-04-12"]),
)
anything = st.builds(
    pb.ConvertRequest,
    amount=st.builds(
        Money,
        currency_code=st.one_of(CODES, st.text(max_size=4), st.just("x" * 600)),
        units=st.one_of(st.integers(-2, 2), st.integers(-(2**63), 2**63 - 1)),
        nanos=st.one_of(st.sampled_from([0, 1, -1, 10**9, -(10**9)]), st.integers(-(2**31), 2**31 - 1)),
    ),
    to_currency_code=st.one_of(CODES, st.text(max_size=4)),
    date=st.one_of(
        st.sampled_from(["", "2026-04-01", "2026-04-02", "2026-04-13", "2026-02-29", "9999-12-31"]),
        st.sampled_from(
            ["0000-01-01", "2026-4-2", "2026-04-02 ", "２０２６-04-02", "20260402", "2026-W14-4"]
        ),
        st.text(max_size=10),
    ),
)


@pytest.fixture(scope="module")
def url(postgres: Postgres) -> str:
    """A database with rates of one day that are hard to divide, and one rate of an earlier day."""

    async def fill(url: str) -> None:
        await migrate(url)
        latest = [Rate(LAST, code, Decimal(rate)) for code, rate in RATES.items()]
        async with database(url) as engine:
            await SqlRates(engine).put([latest, [Rate(FIRST, "HHH", Decimal("2.9"))]])

    url = postgres.create("currency")
    asyncio.run(fill(url))
    return url


class Collector(HTTPServer):
    """An OpenTelemetry collector that keeps what it gets."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", free_port()), Receiver)
        self.spans: list[tuple[str, str, Any]] = []  # service, version, span

    def of(self, version: str) -> list[Any]:
        return [span for _, one, span in list(self.spans) if one == version]


class Receiver(BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        message: Any = ExportTraceServiceRequest.FromString(body)
        for of_resource in message.resource_spans:
            about = {a.key: a.value.string_value for a in of_resource.resource.attributes}
            found = [span for scope in of_resource.scope_spans for span in scope.spans]
            self.server.spans += [(about["service.name"], about["service.version"], s) for s in found]
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Nothing is said of what comes."""


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    with Collector() as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def channels(
    url: str, collector: Collector, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Mapping[str, grpc.Channel]]:
    """One to a process of each implementation, whose version is its name."""
    with ExitStack() as stopping:
        found = {}
        for name in IMPLEMENTATIONS:
            address = stopping.enter_context(
                currency(
                    name,
                    tmp_path_factory.mktemp(name),
                    DATABASE_URL=url,
                    VERSION=name,
                    OTEL_EXPORTER_OTLP_ENDPOINT=f"http://127.0.0.1:{collector.server_port}",
                )
            )
            found[name] = stopping.enter_context(grpc.insecure_channel(address))
        yield found


def answer(channel: grpc.Channel, method: str, request: Any) -> tuple[object, ...]:
    """All that a caller sees of it."""
    try:
        got = getattr(CurrencyServiceStub(channel), method)(request, timeout=20)
    except grpc.RpcError as error:
        call: Any = error
        status: Any = rpc_status.from_call(call)  # none: no details came
        return call.code(), call.details(), status and status.SerializeToString(deterministic=True)
    return StatusCode.OK, got.SerializeToString(deterministic=True)


def assert_alike(channels: Mapping[str, grpc.Channel], method: str, request: Any) -> StatusCode:
    """Their status, once both answers are the same."""
    answers = {name: answer(channel, method, request) for name, channel in channels.items()}
    assert answers["go"] == answers["python"], request
    status = answers["go"][0]
    assert isinstance(status, StatusCode)
    return status


@settings(max_examples=100)
@given(st.lists(valid, min_size=1, max_size=20))
def test_amounts_are_converted_and_rounded_alike(
    channels: Mapping[str, grpc.Channel], conversions: Sequence[pb.ConvertRequest]
) -> None:
    ended = [assert_alike(channels, "Convert", one) for one in conversions[:2]]
    batch = pb.BatchConvertRequest(conversions=conversions)
    assert {assert_alike(channels, "BatchConvert", batch), *ended} <= {
        StatusCode.OK,
        StatusCode.INVALID_ARGUMENT,
    }


@settings(max_examples=200)
@given(anything)
def test_whatever_is_asked_is_refused_alike(
    channels: Mapping[str, grpc.Channel], asked: pb.ConvertRequest
) -> None:
    assert_alike(channels, "Convert", asked)
    assert_alike(channels, "GetRates", pb.GetRatesRequest(date=asked.date))
    assert_alike(channels, "BatchConvert", pb.BatchConvertRequest(conversions=[pb.ConvertRequest(), asked]))


def test_a_thousand_and_one_are_refused_alike(channels: Mapping[str, grpc.Channel]) -> None:
    batch = pb.BatchConvertRequest(conversions=[pb.ConvertRequest()] * 1001)
    assert assert_alike(channels, "BatchConvert", batch) is StatusCode.INVALID_ARGUMENT


def test_a_planted_rounding_fault_is_seen(
    channels: Mapping[str, grpc.Channel], url: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """The negative control of the comparison."""
    folder = tmp_path_factory.mktemp("down")
    asked = pb.ConvertRequest(amount=money(10**9, "EUR"), to_currency_code="KKK")
    with (
        currency("go", folder, DATABASE_URL=url, ROUNDING="down") as address,
        grpc.insecure_channel(address) as faulty,
    ):
        assert answer(faulty, "Convert", asked) != answer(channels["go"], "Convert", asked)


@pytest.mark.parametrize("name", IMPLEMENTATIONS)
def test_health_and_reflection_name_the_service(channels: Mapping[str, grpc.Channel], name: str) -> None:
    health: Any = HealthStub(channels[name])
    for service in ("", SERVICE):
        answer = health.Check(health_pb2.HealthCheckRequest(service=service), timeout=5)
        assert answer.status == health_pb2.HealthCheckResponse.SERVING
    stub: Any = ServerReflectionStub(channels[name])
    (listed,) = stub.ServerReflectionInfo(
        iter([reflection_pb2.ServerReflectionRequest(list_services="")]), timeout=5
    )
    names = {service.name for service in listed.list_services_response.service}
    assert names >= {SERVICE, "grpc.health.v1.Health"}


def test_a_sampled_call_leaves_the_same_spans(
    channels: Mapping[str, grpc.Channel], collector: Collector
) -> None:
    seen = {}
    for name, channel in channels.items():
        stub: Any = CurrencyServiceStub(channel)
        time.sleep(0.6)  # what was read a moment ago needs no statement
        stub.GetRates(pb.GetRatesRequest(), metadata=[("traceparent", SAMPLED)], timeout=5)
        stub.GetRates(pb.GetRatesRequest(), metadata=[("traceparent", SAMPLED[:-1] + "0")], timeout=5)
        until = time.monotonic() + 10
        while len(collector.of(name)) < 2:
            assert time.monotonic() < until, collector.spans
            time.sleep(0.05)
        statement, call = sorted(collector.of(name), key=lambda span: -span.kind)
        assert call.parent_span_id.hex() == SAMPLED.split("-")[2]
        assert statement.parent_span_id == call.span_id
        seen[name] = [
            (s.name, s.kind, s.trace_id, s.status.code, {a.key: a.value.string_value for a in s.attributes})
            for s in (call, statement)
        ]
    assert seen["go"] == seen["python"]
    assert {service for service, _, _ in collector.spans} == {"currency"}


@pytest.mark.parametrize("name", IMPLEMENTATIONS)
def test_a_database_that_is_away_is_unavailable_until_it_is_back(
    postgres: Postgres, tmp_path_factory: pytest.TempPathFactory, name: str
) -> None:
    url = postgres.create("currency")
    asyncio.run(migrate(url))
    database = url.rpartition("/")[2]
    folder = tmp_path_factory.mktemp(name)
    with currency(name, folder, DATABASE_URL=url) as address, grpc.insecure_channel(address) as channel:
        assert reason(channel) == "NO_RATES"
        postgres.psql(f"alter database {database} connection limit 0")
        hang_up = f"select pg_terminate_backend(pid) from pg_stat_activity where datname = '{database}'"
        postgres.psql(hang_up)
        time.sleep(0.6)  # until the table that was read is forgotten
        assert reason(channel) == "STORAGE_UNAVAILABLE"
        postgres.psql(f"alter database {database} connection limit -1")
        assert reason(channel) == "NO_RATES"
        postgres.psql(hang_up)  # one dead connection is nobody's concern
        time.sleep(0.6)
        assert reason(channel) == "NO_RATES"


def reason(channel: grpc.Channel) -> str:
    """Why there are no rates: of the details that come with UNAVAILABLE."""
    with pytest.raises(grpc.RpcError) as caught:
        CurrencyServiceStub(channel).GetRates(pb.GetRatesRequest(), timeout=20)
    call: Any = caught.value
    assert call.code() is StatusCode.UNAVAILABLE
    status, info = rpc_status.from_call(call), error_details_pb2.ErrorInfo()
    assert status is not None
    assert any(detail.Unpack(info) for detail in status.details)
    assert info.domain == "figtree"
    return str(info.reason)


# A server in Go resets a call's stream when its deadline comes (RST_STREAM with CANCEL; grpc-go, http2_server.go).
# Where that arrives within the last millisecond before the caller's own clock strikes, its gRPC says CANCELLED.
AT_THE_DEADLINE = (StatusCode.DEADLINE_EXCEEDED, StatusCode.CANCELLED)


@pytest.mark.parametrize("name", IMPLEMENTATIONS)
def test_calls_wait_for_a_locked_table_until_their_deadline_and_end_a_drain_well(
    url: str, postgres: Postgres, tmp_path_factory: pytest.TempPathFactory, name: str
) -> None:
    """SIGTERM comes while a call waits: it is answered, and the process ends after it."""
    folder, database = tmp_path_factory.mktemp(name), url.rpartition("/")[2]
    lock = "begin; lock table rates; select pg_sleep(2.5); commit"
    held = "select count(*) from pg_locks where mode = 'AccessExclusiveLock' and relation = 'rates'::regclass"
    with ThreadPoolExecutor(1) as beside:
        with currency(name, folder, DATABASE_URL=url) as address:
            channel = grpc.insecure_channel(address)
            stub: Any = CurrencyServiceStub(channel)
            locked = beside.submit(postgres.psql, lock, database=database)
            while postgres.psql(held, database=database).strip() == "0":
                assert not locked.done()
            with pytest.raises(grpc.RpcError) as caught:
                stub.GetRates(pb.GetRatesRequest(), timeout=0.3)
            late: Any = caught.value
            assert late.code() in AT_THE_DEADLINE
            assert not locked.done()
            waiting = stub.GetRates.future(pb.GetRatesRequest(date="2026-04-10"), timeout=20)
            time.sleep(0.2)
            assert not waiting.done()
        assert waiting.result().date == "2026-04-10"
        locked.result()
        channel.close()
    lines = (folder / "log").read_text().splitlines()
    assert ["draining" in lines[-2], "stopped" in lines[-1]] == [True, True]
