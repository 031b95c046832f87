"""Page tokens: opaque to the caller, the last key of the page to the service."""

import base64
import binascii

from common.errors import InvalidRequest

FORM = "must be empty or the next_page_token of an earlier page of this list"


def token(last_key: str) -> str:
    """The token of the page behind `last_key`."""
    return base64.urlsafe_b64encode(last_key.encode()).decode().rstrip("=")


def last_key(page_token: str) -> str:
    """The key that the token was made of; "" for the first page. Raises InvalidRequest for any other text."""
    try:
        padded = page_token + "=" * (-len(page_token) % 4)
        key = base64.b64decode(padded, altchars=b"-_", validate=True).decode()
    except (binascii.Error, UnicodeDecodeError, ValueError):
        raise InvalidRequest([("page_token", FORM)]) from None
    if token(key) != page_token or "\x00" in key:
        raise InvalidRequest([("page_token", FORM)])
    return key
