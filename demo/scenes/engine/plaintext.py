"""What a stranger on the network can do: talk without a certificate, and look at the one that is shown to them."""

import asyncio
import contextlib
import ssl

import httpx
from cryptography import x509

GRPC = {"content-type": "application/grpc", "te": "trailers"}
PATIENCE = 3.0


async def answers(address: str, path: str, message: bytes = b"") -> httpx.Response | None:
    """What a gRPC server says to a plaintext call; None if it does not talk to us."""
    body = b"\0" + len(message).to_bytes(4, "big") + message
    transport = httpx.AsyncHTTPTransport(http1=False, http2=True)
    async with httpx.AsyncClient(
        transport=transport, base_url=f"http://{address}", timeout=PATIENCE
    ) as client:
        try:
            answer = await client.post(path, headers=GRPC, content=body)
        except httpx.TransportError:
            return None
        return answer if answer.status_code == 200 else None


async def identity(address: str) -> tuple[str, bool]:
    """The SPIFFE identity in the certificate that the address shows in a TLS handshake, and whether it then talks to
    us, who have shown none."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.minimum_version = ssl.TLSVersion.TLSv1_3  # it lets the client finish before the server complains
    context.set_alpn_protocols(["h2"])
    host, _, port = address.rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port), ssl=context)
    try:
        shown = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
        writer.write(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0")
        talks = False
        with contextlib.suppress(OSError, TimeoutError):
            talks = bool(await asyncio.wait_for(reader.read(9), PATIENCE))
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
    names = x509.load_der_x509_certificate(shown).extensions.get_extension_for_class(
        x509.SubjectAlternativeName
    )
    (uri,) = names.value.get_values_for_type(x509.UniformResourceIdentifier)
    return uri, talks
