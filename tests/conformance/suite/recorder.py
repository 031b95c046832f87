"""Sends one request after another and keeps what was answered, without what must differ."""

import base64
import binascii
import hashlib
import json
import re
import secrets
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import httpx

RUN = "<run>"  # stands for the run's own mark in requests and answers
KEPT = ("content-type", "location", "allow", "retry-after", "cache-control")

ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")
TOKEN = re.compile(r'(?<="next_page_token":")[^"]+(?=")')
STATUS = re.compile(r'(?<="status":")(placed|accepted|shipped)(?=")')


@dataclass(frozen=True)
class Request:
    name: str
    method: str
    path: str
    body: Any = None  # bytes are sent as they are, anything else as JSON
    headers: dict[str, str] = field(default_factory=dict)
    moving: bool = False  # the answer holds orders that may have moved on meanwhile
    twice: dict[str, str] = field(default_factory=dict)  # sent beside headers of the same names


class Recorder:
    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client
        self._run = secrets.token_hex(4)
        self.answers: dict[str, str] = {}

    async def ask(self, request: Request) -> httpx.Response:
        if request.name in self.answers:
            raise ValueError(f"two requests are called {request.name}")
        headers = dict(request.headers)
        content = request.body
        if content is not None and not isinstance(content, bytes):
            content = json.dumps(content).encode()
            headers.setdefault("content-type", "application/json")
        answer = await self._client.request(
            request.method,
            self._own(request.path),
            content=content and content.replace(RUN.encode(), self._run.encode()),
            headers=[(name, self._own(value)) for name, value in (*headers.items(), *request.twice.items())],
        )
        self.answers[request.name] = self._written(answer, moving=request.moving)
        return answer

    def _own(self, text: str) -> str:
        return text.replace(RUN, self._run)

    def _written(self, answer: httpx.Response, *, moving: bool) -> str:
        headers = [f"{name}: {answer.headers[name]}" for name in KEPT if name in answer.headers]
        text = "\n".join(
            [str(answer.status_code), *headers, f"content-digest: {_digest(answer)}", answer.text]
        )
        text = TOKEN.sub(_token, text).replace(self._run, RUN)
        text = ID.sub("<id>", TIME.sub("<time>", text))
        return STATUS.sub("<status>", text) if moving else text


def _digest(answer: httpx.Response) -> str:
    if "content-digest" not in answer.headers:
        return "absent"
    digest = base64.b64encode(hashlib.sha256(answer.content).digest()).decode()
    return "right" if answer.headers["content-digest"] == f"sha-256=:{digest}:" else "wrong"


def _token(found: re.Match[str]) -> str:
    """A token made of an order's id differs from run to run; one made of a title's id does not."""
    token = found.group()
    try:
        UUID(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)).decode())
    except (binascii.Error, ValueError):
        return token
    return "<token>"
