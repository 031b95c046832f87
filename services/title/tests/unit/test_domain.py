import contextlib

import pytest
from common import paging
from common.jsonlines import is_text
from hypothesis import given
from hypothesis import strategies as st
from title import domain
from title.domain import InvalidRequest, Title

EMMA = {
    "id": "t-000003",
    "isbn13": "9780000000033",
    "name": "Emma",
    "authors": ["Jane Austen"],
    "format": "print",
    "publisher": "John Murray",
    "year": 1815,
}


def test_an_imported_object_becomes_a_title() -> None:
    assert domain.title_from(EMMA) == Title(
        "t-000003", "9780000000033", "Emma", ("Jane Austen",), "print", "John Murray", 1815
    )


def test_all_that_is_wrong_with_an_object_is_named() -> None:
    wrong = EMMA | {"isbn13": "9780000000034", "format": "scroll", "year": True, "price": "1"}
    del wrong["name"]
    with pytest.raises(InvalidRequest) as caught:
        domain.title_from(wrong)
    assert caught.value.violations == (
        ("price", "is not a field of a title"),
        ("isbn13", "must be 13 digits with a valid check digit"),
        ("name", "is missing"),
        ("format", "must be one of print, ebook, audio"),
        ("year", "must be a whole number"),
    )


@pytest.mark.parametrize("value", ["a\x00b", "\ud800", "", "x" * 501, 7, None, ["a"]])
def test_what_the_database_cannot_hold_is_not_a_text(value: object) -> None:
    assert not is_text(value)


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"], exclude_characters="\x00")))
def test_a_token_gives_its_key_back(key: str) -> None:
    assert paging.last_key(paging.token(key)) == key


@given(st.text())
def test_a_token_is_taken_only_if_we_could_have_made_it(page_token: str) -> None:
    with contextlib.suppress(InvalidRequest):
        assert paging.token(paging.last_key(page_token)) == page_token
