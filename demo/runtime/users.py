"""The issuer of users' tokens that istio/security/edge-jwt.yaml trusts."""

import json
import time
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

ISSUER = "https://users.figtree.example"
KEY = "figtree-users"


def key_set(key: rsa.RSAPrivateKey, name: str = KEY) -> dict[str, Any]:
    """The public half as a JSON Web Key Set."""
    public = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key()))
    return {"keys": [public | {"kid": name, "use": "sig", "alg": "RS256"}]}


def user_token(key: rsa.RSAPrivateKey, user: str, audience: str, seconds: float) -> str:
    """A signed JSON Web Token for the user, valid for so many seconds."""
    now = int(time.time())
    claims = {"iss": ISSUER, "sub": user, "aud": audience, "iat": now, "exp": now + int(seconds)}
    return jwt.encode(claims, key, algorithm="RS256", headers={"kid": KEY})
