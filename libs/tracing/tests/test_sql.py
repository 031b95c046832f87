import pytest
from sqlalchemy import column, select, table, text
from tracing.sql import NOTHING, _name_of, statement_span

TITLES = table("titles", column("id"))


@pytest.mark.parametrize(
    ("statement", "name"),
    [
        (text("with stored as ( insert into orders (id) select id from unnest(:ids) )"), "insert orders"),
        (
            text("select o.id from unnest(cast(:keys as text[])) as k join orders o using (key)"),
            "select orders",
        ),
        (text("select title_id from list_prices where title_id = any(:ids)"), "select list_prices"),
        (text("update order_events set published = true"), "update order_events"),
        (text("select 1"), "select"),
        (select(TITLES.c.id), "select titles"),
        (
            select(TITLES.c.id).join(table("rates", column("id")), TITLES.c.id == column("id")),
            "select titles",
        ),
        (select(select(TITLES.c.id).subquery()), "select"),
        (select(TITLES.c.id).union(select(TITLES.c.id)), "select"),
    ],
)
def test_a_statement_is_called_by_what_it_does_first_and_to_which_table(statement: object, name: str) -> None:
    assert _name_of(statement) == name


def test_a_statement_of_an_unsampled_request_is_not_even_looked_at() -> None:
    assert statement_span(None, {"traceparent": f"00-{'a' * 32}-{'b' * 16}-00"}, "order") is NOTHING
