"""Certificates of both sides. They are read once: who renews them starts client and callee anew."""

from pathlib import Path

import grpc

NAME = ("grpc.ssl_target_name_override", "callee.figtree")


def of_client(folder: Path) -> grpc.ChannelCredentials:
    """`folder` holds ca.pem, chain.pem and key.pem."""
    files = ((folder / name).read_bytes() for name in ("ca.pem", "key.pem", "chain.pem"))
    return grpc.ssl_channel_credentials(*files)


def of_callee(folder: Path) -> grpc.ServerCredentials:
    """As the client's; a client without a certificate is refused."""
    ca, key, chain = ((folder / name).read_bytes() for name in ("ca.pem", "key.pem", "chain.pem"))
    return grpc.ssl_server_credentials([(key, chain)], ca, require_client_auth=True)
