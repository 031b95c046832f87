"""The check digit of an ISBN-13."""

from common.search import check_digit as check_digit


def checked(isbn13: str) -> str:
    """The ISBN, if it has thirteen digits with a valid check digit. Raises ValueError."""
    if (
        len(isbn13) != 13
        or not isbn13.isascii()
        or not isbn13.isdigit()
        or check_digit(isbn13[:12]) != isbn13[12]
    ):
        raise ValueError("must be thirteen digits with a valid check digit")
    return isbn13
