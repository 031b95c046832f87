"""What happened to the instance, for people and programs."""

import sys
import time
from collections import deque

from runtime.api import Event


class Events:
    def __init__(self, keep: int = 5000) -> None:
        self._events: deque[Event] = deque(maxlen=keep)
        self._count = 0

    def add(self, kind: str, subject: str, message: str) -> None:
        self._count += 1
        self._events.append(Event(self._count, time.time(), kind, subject, message))
        stamp = time.strftime("%H:%M:%S")
        sys.stderr.write(f"{stamp}.{int(time.time() * 1000) % 1000:03} {kind:9} {subject}: {message}\n")
        sys.stderr.flush()

    def since(self, sequence: int) -> list[Event]:
        return [event for event in self._events if event.sequence > sequence]
