import pytest
from hypothesis import given
from hypothesis import strategies as st
from monolith.seed import catalogue
from monolith.title.isbn import check_digit, checked


@given(st.text(alphabet="0123456789", min_size=12, max_size=12), st.integers(1, 9))
def test_one_wrong_digit_is_noticed(digits: str, offset: int) -> None:
    isbn13 = digits + check_digit(digits)
    assert checked(isbn13) == isbn13
    wrong = str((int(isbn13[5]) + offset) % 10)
    with pytest.raises(ValueError, match="check digit"):
        checked(isbn13[:5] + wrong + isbn13[6:])


def test_generated_titles_are_the_same_each_time_and_valid() -> None:
    generated = list(catalogue.entries(700))
    assert generated == list(catalogue.entries(700))
    assert [entry["id"] for entry in generated] == [f"t-{n:06}" for n in range(1, 701)]
    assert list(catalogue.entries(800))[:700] == generated
    isbns = [checked(entry["isbn13"]) for entry in generated]
    assert len(set(isbns)) == 700
    assert all(isinstance(entry["price"]["amount"], str) for entry in generated)
