from collections.abc import AsyncIterator
from datetime import date
from decimal import Decimal

import pytest
from monolith.currency.service import LocalCurrencies
from monolith.database import Database
from monolith.pricing.service import LocalPricing
from rest_api.errors import Invalid, Missing
from rest_api.models import Basket, Line, Title
from rest_api.ports import Titles
from sqlalchemy import text


async def test_words_find_titles_by_name_and_author(titles: Titles) -> None:
    found = await titles.search("AUST prid", 20, "")
    assert [title.name for title in found.titles] == ["Pride and Prejudice"]
    assert (await titles.search("usten", 20, "")).titles == ()


async def test_a_search_lists_names_before_authors_and_finds_isbns(titles: Titles) -> None:
    found = [title async for title in _pages(titles, "emily")]
    named = ["emily" in title.name.lower() for title in found]
    assert len(found) > 1
    assert named == sorted(named, reverse=True)
    isbn13 = found[0].isbn13
    assert (await titles.search(f"{isbn13[:3]}-{isbn13[3:]}", 20, "")).titles == (found[0],)


async def _pages(titles: Titles, query: str) -> AsyncIterator[Title]:
    token, more = "", True
    while more:
        page = await titles.search(query, 1, token)
        for title in page.titles:
            yield title
        token = page.next_page_token
        more = bool(token)


@pytest.mark.parametrize("query", ["'", "\\", "a'b", "x:*", "a & | !", "\x00", "%", "_", "--", "ß", "İ"])
async def test_no_query_breaks_the_search(titles: Titles, query: str) -> None:
    await titles.search(query, 1, "")


async def test_the_search_uses_its_index(database: Database) -> None:
    plan = await database.rows(
        text("""explain select '0' || id as position from titles where search_vector(name, authors, isbn13)
                @@ cast('nwuthering:*' as tsquery) and '0' || id > '' order by position limit 21""")
    )
    assert "titles_search_idx" in "\n".join(row[0] for row in plan)


async def test_batches_hold_those_that_exist(titles: Titles) -> None:
    assert set(await titles.batch_get(["t-000001", "none", "t-000001"])) == {"t-000001"}
    assert await titles.batch_get([]) == {}
    with pytest.raises(Missing, match="there is no title none"):
        await titles.get("none")


async def test_a_holiday_has_the_rates_of_the_banking_day_before(currencies: LocalCurrencies) -> None:
    table = await currencies.rates(date(2024, 12, 26))
    assert table.date == date(2024, 12, 24)
    assert list(table.rates) == sorted(table.rates)
    assert table.rates["EUR"] == 1


async def test_rates_are_exactly_those_that_were_published(currencies: LocalCurrencies) -> None:
    table = await currencies.rates(date(2024, 2, 29))
    assert table.rates["GBP"] == Decimal("0.85655")
    assert str(table.rates["ISK"]) == "149.3"


async def test_a_basket_is_refused_with_all_its_faults_the_currency_first(pricing: LocalPricing) -> None:
    lines = tuple(Line(title_id=title, quantity=1) for title in ("none", "t-000001", "nothing"))
    with pytest.raises(Invalid) as error:
        await pricing.quote(Basket(currency="XXX", lines=lines))
    assert [field for field, _ in error.value.violations] == [
        "currency",
        "lines[0].title_id",
        "lines[2].title_id",
    ]


async def test_a_bad_basket_fails_alone(pricing: LocalPricing) -> None:
    good = Basket(currency="EUR", lines=(Line(title_id="t-000001", quantity=1),))
    bad = good.model_copy(update={"currency": "XXX"})
    answers = await pricing.batch_quote([good, bad, good])
    assert [isinstance(answer, Invalid) for answer in answers] == [False, True, False]
    assert answers[0] == answers[2]


async def test_a_title_without_a_price_cannot_be_quoted(pricing: LocalPricing, database: Database) -> None:
    await database.rows(
        text("""insert into titles values ('t-free', '9780000000019', 'Free', '{}', 'print', 'P', 2000)
                on conflict do nothing""")
    )
    with pytest.raises(Invalid, match=r"lines\[0\].title_id: title t-free has no price"):
        await pricing.quote(Basket(currency="EUR", lines=(Line(title_id="t-free", quantity=1),)))
    await database.rows(text("delete from titles where id = 't-free'"))
