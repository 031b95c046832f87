"""Page tokens at the REST edge: those of `common.paging`, refused as a problem."""

from common import paging
from common.errors import InvalidRequest
from common.paging import FORM as FORM
from common.paging import token as token

from rest_api.errors import Invalid


def last_key(page_token: str) -> str:
    """The key that the token was made of; "" for the first page. Raises Invalid for any other text."""
    try:
        return paging.last_key(page_token)
    except InvalidRequest as error:
        raise Invalid(error.violations) from None
