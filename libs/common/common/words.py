"""Words as a search compares them: without accents, case and compatibility forms.

The SQL function `search_text` of the title migrations folds what is stored in the same way; the tests of the title
service compare the two.
"""

import re
import unicodedata

# Accents, Hebrew and Arabic points, and invisible characters: readers leave them out.
MARKS = (
    "\u0300-\u036f\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06dc\u06df-\u06e4"
    "\u06e7\u06e8\u06ea-\u06ed\u00ad\u200b-\u200d\u2060\ufe00-\ufe0f"
)
# Letters, vowel signs, viramas, tones and digits from Devanagari to Khmer: there a mark is a part of the word.
SPELLED_WITH_MARKS = (
    "\u0660-\u0669\u06f0-\u06f9\u0900-\u0963\u0966-\u0df3\u0e01-\u0e4e\u0e50-\u0e59\u0e81-\u0edf\u0f18-\u0f39\u0f3e-\u0f84"
    "\u0f86-\u0fbc\u1000-\u1049\u1050-\u109f\u1780-\u17d3\u17dc\u17dd\u17e0-\u17e9"
)
LETTERS = str.maketrans(
    {
        "ß": "ss",
        "æ": "ae",
        "œ": "oe",
        "þ": "th",
        "ø": "o",
        "ł": "l",
        "đ": "d",
        "ð": "d",
        "ħ": "h",
        "ı": "i",
        "ς": "σ",
    }
)
_MARK = re.compile(f"[{MARKS}]")
_SPELLED_WITH_MARKS = re.compile(f"[{SPELLED_WITH_MARKS}]")


def fold(text: str) -> str:
    """The text in lower case, in Unicode's form NFC, without accents: `Brontë` and `BRONTE` are both `bronte`."""
    plain = _MARK.sub("", unicodedata.normalize("NFKD", text))
    return unicodedata.normalize("NFC", plain.lower().translate(LETTERS))


def words(text: str) -> list[str]:
    """The runs of letters and digits in the folded text, in their order."""
    return "".join(c if _in_a_word(c) else " " for c in fold(text)).split()


def _in_a_word(character: str) -> bool:
    category = unicodedata.category(character)
    return (
        category[0] == "L"
        or category == "Nl"
        or "0" <= character <= "9"
        or _SPELLED_WITH_MARKS.match(character) is not None
    )
