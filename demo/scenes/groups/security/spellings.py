"""Other spellings of a path, sent byte for byte: a policy has to match what the application serves.

The asynchronous HTTP clients normalise most of them; the standard library's sends what it is given.
"""

import http.client
import uuid
from urllib.parse import urlsplit

PATIENCE = 10.0


def spellings(path: str, edge: str) -> list[tuple[str, str]]:
    """Request target and Host of each way to write `path`, whose first part is /api, the path itself among them."""
    host = urlsplit(edge).netloc
    name, _, port = host.partition(":")
    inner = path.removeprefix("/api/")
    first = inner[0]
    targets = [
        path,
        f"/api%2F{inner}",
        f"/api%2f{inner}",
        f"/api%252F{inner}",
        f"/api%5C{inner}",
        f"/api\\{inner}",
        f"//api/{inner}",
        f"/api//{inner}",
        f"%2Fapi%2F{inner}",
        f"/./api/{inner}",
        f"/api/./{inner}",
        f"/api/%2e/{inner}",
        f"/api/none/../{inner}",
        f"/api/titles/../{inner}",
        f"/api/titles/%2e%2e/{inner}",
        f"/api/titles/..%2F{inner}",
        f"/api/titles/%2e%2e%2f{inner}",
        f"/api/titles/..;/{inner}",
        f"/api/titles/..%5C{inner}",
        f"/api;v=1/{inner}",
        f"{path};v=1",
        f"{path}/",
        f"{path}%20",
        f"{path}%00",
        f"{path}?next=/api/titles",
        f"{path}%3Fnext=/api/titles",
        f"{path}#/api/titles",
        f"/api/%{ord(first):02x}{inner[1:]}",
        path.upper(),
        f"/API/{inner}",
        f"{edge}{path}",
        f"http://elsewhere.example{path}",
        f"{edge}/api%2F{inner}",
    ]
    dotted = f"{name}.:{port}" if port else f"{name}."
    return [*((target, host) for target in targets), (path, dotted), (f"/api%2F{inner}", dotted)]


def ask(edge: str, method: str, target: str, host: str, body: bytes) -> tuple[int, bytes]:
    """Status and body of one request on a connection of its own; 400 if it was closed without an answer."""
    connection = http.client.HTTPConnection(urlsplit(edge).netloc, timeout=PATIENCE)
    try:
        connection.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
        for name, value in (
            ("Host", host),
            ("Content-Type", "application/json"),
            ("Content-Length", str(len(body))),
            ("Idempotency-Key", f"scene-{uuid.uuid4()}"),
        ):
            connection.putheader(name, value)
        connection.endheaders(body)
        answer = connection.getresponse()
        return answer.status, answer.read()
    except (ConnectionError, http.client.RemoteDisconnected):
        return 400, b""
    finally:
        connection.close()
