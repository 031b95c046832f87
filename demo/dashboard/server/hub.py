"""What all open pages are shown, and the one stream that each of them has."""

import asyncio
import json
import secrets
from collections.abc import AsyncIterator, Mapping
from typing import Any

from dashboard.server.patch import patch

BACKLOG = 256  # messages; a page that is further behind begins anew
QUIET = 15.0  # seconds after which a word is said lest somebody on the way thinks the stream is dead


class Stream:
    """One open page."""

    def __init__(self) -> None:
        self.id = secrets.token_urlsafe(12)
        self.closed = False
        self._waiting: asyncio.Queue[str] = asyncio.Queue(BACKLOG)

    def send(self, event: str, content: object) -> None:
        self.pass_on(event, json.dumps(content, separators=(",", ":"), ensure_ascii=False))

    def pass_on(self, event: str, text: str) -> None:
        try:
            self._waiting.put_nowait(f"event: {event}\ndata: {text}\n\n")
        except asyncio.QueueFull:
            self.closed = True

    async def text(self) -> AsyncIterator[str]:
        yield "retry: 1000\n\n"
        while not self.closed:
            try:
                async with asyncio.timeout(QUIET):
                    text = await self._waiting.get()
            except TimeoutError:
                text = ": still here\n\n"
            yield text  # outside of the timeout, which would else end a reader that is slow to take it


class Hub:
    def __init__(self) -> None:
        self.shown: dict[str, Any] = {}
        self.streams: dict[str, Stream] = {}

    def open(self) -> Stream:
        stream = Stream()
        self.streams[stream.id] = stream
        stream.send("state", {"stream": stream.id, "shown": self.shown})
        return stream

    def close(self, stream: Stream) -> None:
        stream.closed = True
        self.streams.pop(stream.id, None)

    def show(self, prefixes: tuple[str, ...], shown: Mapping[str, Any]) -> None:
        """Replace everything under the prefixes, and tell the pages what changed."""
        before = {key: value for key, value in self.shown.items() if key.startswith(prefixes)}
        if changes := patch(before, shown):
            for key in changes.get("gone", ()):
                del self.shown[key]
            self.shown |= changes.get("set", {})
            self.tell("patch", changes)

    def tell(self, event: str, content: object) -> None:
        text = json.dumps(content, separators=(",", ":"), ensure_ascii=False)
        for stream in list(self.streams.values()):
            stream.pass_on(event, text)
