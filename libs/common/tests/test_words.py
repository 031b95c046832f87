import unicodedata

import pytest
from common.words import fold, words
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Émile, or: On Education_2!", ["emile", "or", "on", "education", "2"]),
        ("Bronte\u0308", ["bronte"]),
        ("BRONTË", ["bronte"]),
        ("İstanbul ISPARTA ışık", ["istanbul", "isparta", "isik"]),
        ("हिन्दी की कहानी।", ["हिन्दी", "की", "कहानी"]),
        ("தமிழ் বাংলা ภาษาไทย", ["தமிழ்", "বাংলা", "ภาษาไทย"]),
        ("Straße Ærø Łódź Œuvre", ["strasse", "aero", "lodz", "oeuvre"]),
        ("ΟΔΥΣΣΕΎΣ Οδυσσεύς", ["οδυσσευσ", "οδυσσευσ"]),
        ("한국어 卡夫卡 война́", ["한국어", "卡夫卡", "воина"]),
        ("Ｆｉｌｍ ﬁlm Ⅷ co\u00adoperate", ["film", "film", "viii", "cooperate"]),
        ("שָׁלוֹם السَّلَام", ["שלום", "السلام"]),
        ("% ' \x00 \ufffd 📚", []),
    ],
)
def test_words_have_no_case_no_accents_and_no_compatibility_forms(text: str, found: list[str]) -> None:
    assert words(text) == found


@given(st.text())
def test_folding_twice_changes_nothing(text: str) -> None:
    assert fold(fold(text)) == fold(text)


@given(st.text(), st.sampled_from(["NFC", "NFD", "NFKC", "NFKD"]))
def test_the_form_in_which_a_text_was_typed_does_not_matter(text: str, form: str) -> None:
    assert words(unicodedata.normalize(form, text)) == words(text)  # type: ignore[arg-type]
