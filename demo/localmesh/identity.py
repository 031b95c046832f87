"""The instance's certificate authority and the issuer of its workload tokens; both live as long as the instance."""

import ssl
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from runtime import users

ISSUER = "https://tokens.figtree.example"
AUDIENCE = "istio-ca"
TRUST_DOMAIN = "cluster.local"
TOKEN_LIFE = timedelta(hours=24)


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    )


def _write(path: Path, content: bytes) -> None:
    path.touch(mode=0o600)
    path.write_bytes(content)


class Identity:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._tokens = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self._users = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self._ca_key = ec.generate_private_key(ec.SECP256R1())
        self._ca = self._self_signed()

    @property
    def ca_folder(self) -> Path:
        return self._folder / "cacerts"

    @property
    def root(self) -> Path:
        return self.ca_folder / "root-cert.pem"

    def save(self) -> None:
        """The four files of a plugged-in CA, and a certificate of our own to probe workloads with."""
        self.ca_folder.mkdir(mode=0o700)
        certificate = self._ca.public_bytes(serialization.Encoding.PEM)
        _write(self.ca_folder / "ca-key.pem", _pem(self._ca_key))
        for name in ("ca-cert.pem", "root-cert.pem", "cert-chain.pem"):
            _write(self.ca_folder / name, certificate)
        self.issue(
            "istio-system", "supervisor", self._folder / "probe-key.pem", self._folder / "probe-cert.pem"
        )

    def issue(self, namespace: str, account: str, key_file: Path, chain_file: Path) -> None:
        """A client's certificate, for what has no sidecar that would ask for one."""
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = self._sign(key, f"spiffe://{TRUST_DOMAIN}/ns/{namespace}/sa/{account}")
        chain = (certificate, self._ca)
        _write(key_file, _pem(key))
        _write(chain_file, b"".join(c.public_bytes(serialization.Encoding.PEM) for c in chain))

    def probe_context(self) -> ssl.SSLContext:
        """For calls through a sidecar: chain checked, names not, since a SPIFFE identity is no host name."""
        context = ssl.create_default_context(cafile=str(self.root))
        context.check_hostname = False
        context.load_cert_chain(self._folder / "probe-cert.pem", self._folder / "probe-key.pem")
        return context

    def istiod_context(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(self.root))

    def token(self, namespace: str, account: str) -> str:
        now = int(time.time())
        claims = {
            "iss": ISSUER,
            "sub": f"system:serviceaccount:{namespace}:{account}",
            "aud": [AUDIENCE],  # istiod accepts a list only
            "iat": now,
            "nbf": now - 5,
            "exp": now + int(TOKEN_LIFE.total_seconds()),
        }
        return jwt.encode(claims, self._tokens, algorithm="RS256", headers={"kid": "figtree"})

    def user_token(self, user: str, audience: str, seconds: float) -> str:
        """For a user at the edge; with another key, so that neither kind of token can stand for the other."""
        return users.user_token(self._users, user, audience, seconds)

    def keys(self) -> dict[str, Any]:
        """The JSON Web Key Set istiod verifies workloads' tokens with."""
        return users.key_set(self._tokens, "figtree")

    def user_keys(self) -> dict[str, Any]:
        """The JSON Web Key Set the ingress verifies users' tokens with."""
        return users.key_set(self._users)

    def _self_signed(self) -> x509.Certificate:
        name = x509.Name(
            [
                x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Figtree"),
                x509.NameAttribute(NameOID.COMMON_NAME, "instance CA"),
            ]
        )
        now = datetime.now(UTC)
        public = self._ca_key.public_key()
        usage = {
            "digital_signature": True,
            "content_commitment": False,
            "key_encipherment": False,
            "data_encipherment": False,
            "key_agreement": False,
            "key_cert_sign": True,
            "crl_sign": True,
            "encipher_only": False,
            "decipher_only": False,
        }
        return (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(minutes=5))
            .not_valid_after(now + timedelta(days=30))
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .add_extension(x509.KeyUsage(**usage), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
            .sign(self._ca_key, hashes.SHA256())
        )

    def _sign(self, key: ec.EllipticCurvePrivateKey, uri: str) -> x509.Certificate:
        now = datetime.now(UTC)
        issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._ca_key.public_key())
        return (
            x509.CertificateBuilder()
            .subject_name(x509.Name([]))
            .issuer_name(self._ca.subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(minutes=5))
            .not_valid_after(now + timedelta(days=30))
            .add_extension(x509.SubjectAlternativeName([x509.UniformResourceIdentifier(uri)]), critical=True)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
            .add_extension(issuer, critical=False)
            .sign(self._ca_key, hashes.SHA256())
        )
