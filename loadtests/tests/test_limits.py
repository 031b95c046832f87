import pytest
from loadtests.limits import parse, shortfalls

FIGURES = {"p99": 312.0, "failed": 0.0, "rps": 99.5}


def test_what_holds_says_nothing() -> None:
    assert shortfalls(parse("p99<=312 failed<=0 rps>=99.5"), FIGURES) == []


def test_each_figure_that_falls_short_is_named_with_its_limit() -> None:
    assert shortfalls(parse("p99<=250 failed<=0 rps>=100"), FIGURES) == [
        "p99 is 312, at most 250 was asked for",
        "rps is 99.5, at least 100 was asked for",
    ]


@pytest.mark.parametrize("text", ["p98<=1", "p99<1", "p99<=", "fast"])
def test_what_is_no_limit_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no limit"):
        parse(text)
