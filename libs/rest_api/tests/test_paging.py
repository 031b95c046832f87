from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rest_api import paging
from rest_api.errors import Invalid


@given(st.text(alphabet=st.characters(exclude_characters="\x00", exclude_categories=["Cs"])))
def test_a_token_gives_back_its_key(key: str) -> None:
    assert paging.last_key(paging.token(key)) == key


@given(st.text())
def test_any_other_text_is_invalid_and_nothing_else(text: str) -> None:
    with suppress(Invalid):
        assert paging.token(paging.last_key(text)) == text


def test_a_key_with_nul_is_refused() -> None:
    with pytest.raises(Invalid):
        paging.last_key(paging.token("t\x00"))
