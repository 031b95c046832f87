import pytest
from common.search import Terms, check_digit, terms
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("Jane  AUSTEN", ("jane", "austen")),
        ("d'Urbervilles", ("d", "urbervilles")),
        ("BRONTË", ("bronte",)),
        ("a & b | !c:*", ("a", "b", "c")),
        ("!!!", ()),
        ("a b c d e f g h i j", tuple("abcdefgh")),
        ("9" * 201, ("9" * 200,)),
    ],
)
def test_a_query_is_its_first_eight_words(query: str, words: tuple[str, ...]) -> None:
    assert terms(query) == Terms(words)


@pytest.mark.parametrize(
    "query",
    [
        "9780141439587",
        "978-0-14-143958-7",
        "978 0 14 143958 7",
        "978\u20110\u201114\u2011143958\u20117",
        "ISBN 978-0141439587",
        "isbn-13: 978-0-14-143958-7",
        "0141439580",
        "0-14-143958-0",
        "ISBN-10 0-14-143958-0",
    ],
)
def test_an_isbn_is_known_however_it_is_written(query: str) -> None:
    assert terms(query).isbn13 == "9780141439587"


def test_an_isbn_10_may_end_with_an_x() -> None:
    assert terms("0-8044-2957-X").isbn13 == terms("080442957x").isbn13 == "9780804429573"


@pytest.mark.parametrize("query", ["", "1984", "0141439581", "978014143958", "emma 9780141439587", "isbn"])
def test_any_other_query_is_no_isbn(query: str) -> None:
    assert terms(query).isbn13 == ""


@given(st.text(alphabet="0123456789", min_size=9, max_size=9), st.integers(0, 8), st.integers(1, 9))
def test_a_wrong_digit_in_an_isbn_10_is_noticed(nine: str, place: int, offset: int) -> None:
    (check,) = [last for last in "0123456789x" if terms(nine + last).isbn13]
    assert terms(nine + check).isbn13 == f"978{nine}{check_digit('978' + nine)}"
    wrong = str((int(nine[place]) + offset) % 10)
    assert terms(nine[:place] + wrong + nine[place + 1 :] + check).isbn13 == ""


def test_hits_are_those_in_the_name_or_with_the_isbn_and_then_the_others() -> None:
    assert Terms(("jane", "a")).in_name == "njane:* & na:*"
    assert Terms(("1",), "9780141439587").in_name == "n1:* | i9780141439587"
    assert Terms(("jane", "a")).elsewhere == "(njane:* | ajane:*) & (na:* | aa:*) & !(njane:* & na:*)"
