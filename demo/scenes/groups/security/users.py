"""Users at the edge: a token that is verified once, and what it lets its owner see."""

import asyncio
import json
import time
import uuid
from typing import Any

import httpx
import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

from scenes.engine.scene import Scene
from scenes.engine.stage import Stage
from scenes.groups.security.spellings import ask, spellings

USERS = ("security/edge-user-header.yaml", "security/edge-jwt.yaml", "security/edge-jwt-required.yaml")
ANN, BEN = "user-ann", "user-ben"
LINES = [{"title_id": "t-000001", "quantity": 1}]
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
ORDER_OF_ANN = json.dumps({"customer_id": ANN, "currency": "EUR", "lines": LINES}).encode()


def _bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


def _forge_token(user: str) -> str:
    """Everything right, but signed by somebody else."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    now = int(time.time())
    claims = {
        "iss": "https://users.figtree.example",
        "sub": user,
        "aud": "figtree",
        "iat": now,
        "exp": now + 300,
    }
    return jwt.encode(claims, key, algorithm="RS256", headers={"kid": "figtree-users"})


async def _place(stage: Stage, customer: str, headers: dict[str, str]) -> httpx.Response:
    body = {"customer_id": customer, "currency": "EUR", "lines": LINES}
    key = {"idempotency-key": f"scene-{uuid.uuid4()}"}
    return await stage.client.post("/api/orders", json=body, headers=headers | key)


async def tokens(stage: Stage) -> None:
    await stage.apply(*USERS)
    token = stage.runtime.mesh.user_token
    valid = await token(ANN)
    head, claims, _ = valid.split(".")
    cases: dict[str, tuple[dict[str, str], tuple[int, ...]]] = {
        "valid": (_bearer(valid), (200,)),
        "missing": ({}, (403,)),
        "expired": (_bearer(await token(ANN, seconds=-120)), (401,)),
        "for another audience": (_bearer(await token(ANN, audience="elsewhere")), (403,)),
        "forged": (_bearer(_forge_token(ANN)), (401,)),
        "without a signature": (_bearer(f"{head}.{claims}."), (401,)),
    }
    denied = await stage.counted("ingress", "jwt_authn.denied")
    for name, (headers, expected) in cases.items():
        answer = await stage.client.get("/api/orders", headers=headers)
        stage.figure(f"token {name}", answer.status_code, "HTTP status")
        stage.expect(answer.status_code in expected, f"a token {name} is answered {answer.status_code}")
    grown = await stage.counted("ingress", "jwt_authn.denied") - denied
    stage.expect(grown == 4, f"the gateway's counter says that it refused {grown:.0f} tokens")
    await _closed_under_every_spelling(stage, f"/api/orders/{uuid.uuid4()}")
    open_to_all = await stage.client.get("/api/titles/t-000001")
    stage.expect(open_to_all.status_code == 200, f"the catalogue needs no token: {open_to_all.status_code}")


async def _closed_under_every_spelling(stage: Stage, order: str) -> None:
    """Without a token no spelling of a closed path, by no method, is answered with what is behind it."""
    known = await _list_orders(stage)
    edge, at_once = stage.runtime.edge(), asyncio.Semaphore(16)
    paths = ("/api/orders", order, "/api/customers/c-1001")
    targets = [spelling for path in paths for spelling in spellings(path, edge)]

    async def opened(method: str, target: str, host: str) -> str:
        async with at_once:
            status, body = await asyncio.to_thread(ask, edge, method, target, host, ORDER_OF_ANN)
        closed = status >= 400 and ANN.encode() not in body and b"credit" not in body
        return "" if closed else f"{method} {target} (Host: {host}): {status}"

    answers = await asyncio.gather(*(opened(m, *target) for m in METHODS for target in targets))
    through = [answer for answer in answers if answer]
    stage.figure("spellings of closed paths tried", len(answers), "requests")
    stage.expect(
        not through, f"{len(through)} requests without a token got through" + "; ".join(["", *through[:5]])
    )
    placed = await _list_orders(stage) - known
    stage.expect(not placed, f"{len(placed)} orders were placed without a token")


async def _list_orders(stage: Stage) -> set[str]:
    headers = _bearer(await stage.runtime.mesh.user_token(ANN))
    answer = await stage.client.get(
        "/api/orders", params={"customer_id": ANN, "page_size": 100}, headers=headers
    )
    return {found["id"] for found in answer.raise_for_status().json()["orders"]}


async def own_orders(stage: Stage) -> None:
    placed = await _place(stage, ANN, {})
    stage.expect(placed.status_code == 201, f"an order of {ANN} is placed: {placed.status_code}")
    order = f"/api/orders/{placed.json()['id']}"
    stage.expect(
        (await stage.client.get(order)).status_code == 200, "where nobody is verified, anybody can read it"
    )
    await stage.apply(USERS[0])
    hidden = (await stage.client.get(order)).status_code
    stage.expect(
        hidden == 404, f"a request without a user reads no order, even where no policy stops it: {hidden}"
    )
    await stage.apply(*USERS)
    ann, ben, library = [_bearer(await stage.runtime.mesh.user_token(user)) for user in (ANN, BEN, "c-1001")]
    says_ann = {"x-figtree-user": ANN}
    requests: dict[str, tuple[str, dict[str, str], int]] = {
        f"{ANN} reads it": (order, ann, 200),
        f"{BEN} reads it": (order, ben, 404),
        f"{BEN} watches it": (f"{order}/events", ben, 404),
        f"{BEN} reads it and says to be {ANN}": (order, ben | says_ann, 404),
        f"somebody without a token says to be {ANN}": (order, says_ann, 403),
        "c-1001 reads their account": ("/api/customers/c-1001", library, 200),
        f"{BEN} reads the account of c-1001": ("/api/customers/c-1001", ben, 404),
    }
    for what, (path, headers, expected) in requests.items():
        status = (await stage.client.get(path, headers=headers)).status_code
        stage.figure(what, status, "HTTP status")
        stage.expect(status == expected, f"{what}: {status}")
    for who, headers, expected in ((ANN, ann, True), (BEN, ben, False)):
        listed: list[dict[str, Any]] = (await stage.client.get("/api/orders", headers=headers)).json()[
            "orders"
        ]
        others = sum(found["customer_id"] != who for found in listed)
        stage.expect(others == 0, f"of {len(listed)} orders listed for {who}, {others} are other people's")
        stage.expect(bool(listed) == expected, f"{who} has {len(listed)} orders")
    await _closed_under_every_spelling(stage, order)
    status = (await _place(stage, ANN, ben)).status_code
    stage.expect(status == 403, f"{BEN} orders in the name of {ANN}: {status}")
    ben_reads = (await stage.client.get("/api/titles/t-000001", headers=ben)).status_code
    stage.expect(ben_reads == 200, "the catalogue is for all")


SCENES = (
    Scene(
        name="jwt",
        group="security",
        title="Users' tokens are checked at the edge",
        says="Who a user is, is checked once at the edge, by the mesh and not by every service.",
        hypothesis="Only a token that is signed by the right issuer, for us and not expired, comes through.",
        act=tokens,
        manifests=USERS,
    ),
    Scene(
        name="own-orders",
        group="security",
        title="A user sees nobody else's order",
        says="The edge tells the services who the user is, and the service that owns the data decides what they see.",
        hypothesis="With verified users an order exists for its customer only, and a header cannot pretend otherwise.",
        act=own_orders,
        manifests=USERS,
        shape="4-order",
    ),
)
