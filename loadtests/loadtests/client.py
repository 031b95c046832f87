"""A user: one request a second, each answer checked, wrong kept apart from failed."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Any, ClassVar, TypeVar

import gevent
from locust import User, constant_throughput, task
from locust.contrib.fasthttp import FAILURE_EXCEPTIONS, FastHttpUser
from locust.exception import StopUser

from loadtests.answer import Answer, Failed, Wrong
from loadtests.connections import PlainClients
from loadtests.history import History
from loadtests.ledger import Ledger
from loadtests.recorder import Recorder
from loadtests.reference import Reference

T = TypeVar("T")
TIMEOUT = 15.0  # seconds; the edge itself gives up after 10
GOLDEN = 0.618034  # multiples of it spread over the second whatever the number of users
ANY_STATUS = frozenset(range(200, 600))
MALFORMED = (LookupError, TypeError, ValueError, ArithmeticError, AttributeError)


@dataclass(slots=True)
class Shared:
    """What all users of one run have in common."""

    reference: Reference
    ledger: Ledger
    recorder: Recorder
    history: History
    seed: int = 1
    stopping: bool = False
    users: int = 0
    by_class: dict[str, int] = field(default_factory=dict)

    def enter(self, kind: str) -> tuple[int, Random]:
        """The user's number, and the choices it will make: the same in every run with this seed."""
        self.users += 1
        number = self.by_class[kind] = self.by_class.get(kind, 0) + 1
        return self.users, Random(f"{self.seed} {kind} {number}")


class Scripted(User):
    """Makes one request a second, whatever the transport."""

    abstract = True
    shared: ClassVar[Shared]
    wait_time = constant_throughput(1)

    def on_start(self) -> None:
        self.number, self.random = self.shared.enter(type(self).__name__)
        self._steps = self.script()
        gevent.sleep(self.number * GOLDEN % 1)
        self._cp_last_run = time.perf_counter()  # constant_throughput counts from here, so users stay apart

    def script(self) -> Iterator[None]:
        """Endless; one request up to each yield."""
        raise NotImplementedError

    @task
    def step(self) -> None:
        if (
            self.shared.stopping
        ):  # Locust kills who waits, but one who wakes at that moment dies in its next request
            raise StopUser
        try:
            next(self._steps)
        except Exception as error:
            self._steps = self.script()
            self.shared.recorder.request("load", None, Wrong(repr(error)))
            self.shared.recorder.detail("load", "-", "-", 0, error, b"")
            raise


class Caller(Scripted, FastHttpUser):
    abstract = True
    network_timeout = connection_timeout = TIMEOUT

    def __init__(self, environment: Any) -> None:
        self.client_pool = PlainClients(TIMEOUT)
        super().__init__(environment)
        self.client.client.cookiejar = None
        self.client.client.valid_response_codes = ANY_STATUS  # type: ignore[misc]  # else bodies of errors are cut

    def call(
        self,
        name: str,
        method: str,
        path: str,
        check: Callable[[Answer], T],
        *,
        statuses: tuple[int, ...] = (200,),
        content: str | None = None,
        key: str = "",
    ) -> T | None:
        """What the check returns; None if the request failed or the answer is wrong, which is counted."""
        headers = {"accept-encoding": "identity"}
        if content is not None:
            headers["content-type"] = "application/json"
        if key:
            headers["idempotency-key"] = key
        with self.client.request(
            method, path, name=name, data=content, headers=headers, catch_response=True
        ) as response:
            answer = Answer(0, b"", {})
            try:
                answer = self._answer(response)
                result = checked(answer, statuses, check)
            except (Wrong, Failed) as error:
                self.shared.recorder.detail(name, method, path, answer.status, error, answer.body)
                response.failure(error)
                return None
            response.success()
            return result

    def get(self, name: str, path: str, check: Callable[[Answer], T], status: int = 200) -> T | None:
        return self.call(name, "GET", path, check, statuses=(status,))

    @staticmethod
    def _answer(response: Any) -> Answer:
        if error := response.request_meta["exception"]:
            raise Failed(f"{type(error).__name__}: {error}")
        try:
            return Answer(response.status_code, response.content or b"", response.headers)
        except FAILURE_EXCEPTIONS as error:
            raise Failed(f"{type(error).__name__}: {error}") from error


def checked(answer: Answer, statuses: tuple[int, ...], check: Callable[[Answer], T]) -> T:
    if answer.status not in statuses:
        # a success or a refusal in the application's words is a lie; overload, outage and the mesh's own are failures
        lie = answer.status < 500 and answer.status not in (403, 429) and _speaks(answer)
        kind = Wrong if lie else Failed
        raise kind(f"status {answer.status} instead of {' or '.join(map(str, statuses))}")
    try:
        return check(answer)
    except MALFORMED as error:
        raise Wrong(f"malformed: {error!r}") from error


def _speaks(answer: Answer) -> bool:
    return answer.status < 300 or answer.headers.get("content-type") == "application/problem+json"
