import json
from pathlib import Path

import httpx
import jwt
import pytest
from localmesh.fake_apiserver import FakeApiServer
from localmesh.identity import AUDIENCE, ISSUER, Identity
from runtime import users as issuer_of_users


def test_tokens_verify_against_the_published_keys_and_name_the_account(tmp_path: Path) -> None:
    identity = Identity(tmp_path)
    token = identity.token("figtree", "title")
    key = jwt.PyJWK(identity.keys()["keys"][0])
    claims = jwt.decode(token, key, algorithms=["RS256"], audience=AUDIENCE, issuer=ISSUER)
    assert claims["sub"] == "system:serviceaccount:figtree:title"
    assert jwt.decode_complete(token, options={"verify_signature": False})["payload"]["aud"] == [AUDIENCE]
    with pytest.raises(jwt.InvalidSignatureError):
        jwt.decode(Identity(tmp_path).token("figtree", "title"), key, algorithms=["RS256"], audience=AUDIENCE)


def test_a_users_token_and_a_workloads_cannot_stand_for_each_other(tmp_path: Path) -> None:
    identity = Identity(tmp_path)
    token = identity.user_token("ann", "figtree", 60)
    users, workloads = (jwt.PyJWK(keys["keys"][0]) for keys in (identity.user_keys(), identity.keys()))
    assert (
        jwt.decode(token, users, algorithms=["RS256"], audience="figtree", issuer=issuer_of_users.ISSUER)[
            "sub"
        ]
        == "ann"
    )
    for other, key in ((token, workloads), (identity.token("figtree", "title"), users)):
        with pytest.raises(jwt.InvalidSignatureError):
            jwt.decode(other, key, algorithms=["RS256"], options={"verify_aud": False})
    late = identity.user_token("ann", "figtree", -60)
    with pytest.raises(jwt.ExpiredSignatureError):
        jwt.decode(late, users, algorithms=["RS256"], audience="figtree")


def test_secrets_are_readable_by_their_owner_only(tmp_path: Path) -> None:
    Identity(tmp_path).save()
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(files) == 6
    assert {path.stat().st_mode & 0o777 for path in files} == {0o600}


@pytest.fixture
def api(tmp_path: Path) -> httpx.AsyncClient:
    stub = FakeApiServer(("istio-system", "figtree")).application(Identity(tmp_path).keys(), {})
    return httpx.AsyncClient(transport=httpx.ASGITransport(stub), base_url="http://stub")


@pytest.mark.parametrize("group", ["authentication.k8s.io"])
async def test_vouches_for_nobody(api: httpx.AsyncClient, group: str, tmp_path: Path) -> None:
    for token in ("", "x", Identity(tmp_path).token("figtree", "title")):
        review = {"kind": "TokenReview", "apiVersion": f"{group}/v1", "spec": {"token": token}}
        answer = (await api.post(f"/apis/{group}/v1/tokenreviews", json=review)).json()
        assert answer["status"]["authenticated"] is False
        assert "user" not in answer["status"]
    review = {"kind": "SubjectAccessReview", "apiVersion": "authorization.k8s.io/v1", "spec": {}}
    answer = (await api.post("/apis/authorization.k8s.io/v1/subjectaccessreviews", json=review)).json()
    assert answer["status"] == {"allowed": False}


async def test_lists_its_namespaces_and_nothing_else(api: httpx.AsyncClient) -> None:
    namespaces = (await api.get("/api/v1/namespaces")).json()
    assert [n["metadata"]["name"] for n in namespaces["items"]] == ["istio-system", "figtree"]
    assert (await api.get("/api/v1/secrets")).json()["items"] == []
    assert (await api.get("/api/v1/namespaces/figtree/secrets/x")).status_code == 404
    assert json.loads((await api.get("/jwks.json")).text)["keys"][0]["kty"] == "RSA"
