"""A service without a contract: its messages are plain bytes, its methods do what the tests need."""

import asyncio
import sys
from typing import Any

import grpc
from grpc import StatusCode, aio
from service_kit import context, server
from service_kit.telemetry import configure_logging

# Of no system in particular.
CONVENTIONS = context.Conventions(
    "x-example-user", ("x-example-version", "x-example-user"), "example", "reader"
)


class TooManyBadLines(Exception):
    def __init__(self, lines: int) -> None:
        super().__init__("; ".join(f"lines[{n}]: is bad" for n in range(lines)))
        self.violations = [(f"lines[{n}].title_id", f"there is no title {'x' * 32}") for n in range(lines)]
        self.resource = ("basket", "b-1")


STATUS = {TooManyBadLines: StatusCode.INVALID_ARGUMENT, LookupError: StatusCode.NOT_FOUND}


async def echo(request: bytes, _: Any) -> bytes:
    return request


async def slow(request: bytes, _: Any) -> bytes:
    await asyncio.sleep(float(request))
    return b"done"


async def fail(request: bytes, _: Any) -> bytes:
    match request.split():
        case [b"lines", count]:
            raise TooManyBadLines(int(count))
        case [b"key"]:
            raise KeyError("k-1")
        case _:
            raise ValueError("password=hunter2")


async def fail_later(request: bytes, call: Any) -> Any:
    yield b"one"
    await fail(request, call)


async def seen(_: bytes, __: Any) -> bytes:
    """What an outbound call would take along."""
    return repr((round(context.time_left(60.0), 1), dict(context.current().headers))).encode()


def register(to: aio.Server) -> None:
    methods: dict[str, Any] = {
        "Echo": grpc.unary_unary_rpc_method_handler(echo),
        "Slow": grpc.unary_unary_rpc_method_handler(slow),
        "Fail": grpc.unary_unary_rpc_method_handler(fail),
        "FailLater": grpc.unary_stream_rpc_method_handler(fail_later),
        "Seen": grpc.unary_unary_rpc_method_handler(seen),
    }
    to.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("example.Example", methods),))


def main() -> None:
    listen, max_concurrent = sys.argv[1:]
    configure_logging("example", "v1", CONVENTIONS)
    server.run(
        lambda: server.serve(
            listen,
            register,
            ["example.Example"],
            STATUS,
            CONVENTIONS,
            drain=0.3,
            max_concurrent=int(max_concurrent),
        )
    )


if __name__ == "__main__":
    main()
