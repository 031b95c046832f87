"""The check digit of an ISBN-13."""


def check_digit(first_twelve: str) -> str:
    total = sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(first_twelve))
    return str(-total % 10)


def checked(isbn13: str) -> str:
    if (
        len(isbn13) != 13
        or not isbn13.isascii()
        or not isbn13.isdigit()
        or check_digit(isbn13[:12]) != isbn13[12]
    ):
        raise ValueError("must be thirteen digits with a valid check digit")
    return isbn13
