"""Content-Digest (RFC 9530) of an answer that is one message: a mirror's answers are compared by it."""

import base64
import hashlib

from google.protobuf.message import Message


def content_digest(message: Message) -> tuple[str, str]:
    """As metadata, over the message as gRPC frames it: not compressed, its length, its bytes."""
    content = message.SerializeToString(deterministic=True)
    framed = b"\0" + len(content).to_bytes(4, "big") + content
    return "content-digest", f"sha-256=:{base64.b64encode(hashlib.sha256(framed).digest()).decode()}:"
