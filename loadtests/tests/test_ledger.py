from decimal import Decimal
from pathlib import Path

import pytest
from loadtests.ledger import Comparison, Entries, Ledger, Row, compare, read

ONE, TWO = Decimal("10.00"), Decimal("20.00")


@pytest.fixture
def entries(tmp_path: Path) -> Entries:
    """Two orders placed, one attempt without an answer, one refused."""
    book = Ledger(tmp_path / "ledger", "load-1")
    for number in range(1, 5):
        book.attempt("c-1", f"load-1-{number}")
    book.placed("c-1", "load-1-1", "a", "10.00", "EUR")
    book.placed("c-1", "load-1-2", "b", "20.00", "EUR")
    book.placed("c-1", "load-1-2", "b", "20.00", "EUR")
    book.refused("c-1", "load-1-4")
    assert book.unknown == 1
    book.close()
    return read(tmp_path / "ledger")


def stored(*rows: tuple[str, int, Decimal]) -> list[Row]:
    return [Row(order_id, "c-1", f"load-1-{number}", total) for order_id, number, total in rows]


def compared(entries: Entries, *rows: tuple[str, int, Decimal]) -> Comparison:
    return compare(entries, stored(*rows))


def test_what_was_placed_is_stored(entries: Entries) -> None:
    comparison = compared(entries, ("a", 1, ONE), ("b", 2, TWO))
    assert comparison.ok
    assert (comparison.placed, comparison.stored, comparison.unknown, comparison.unknown_stored) == (
        2,
        2,
        1,
        0,
    )


def test_an_attempt_without_an_answer_may_be_stored_once(entries: Entries) -> None:
    assert compared(entries, ("a", 1, ONE), ("b", 2, TWO), ("c", 3, ONE)).ok
    twice = compared(entries, ("a", 1, ONE), ("b", 2, TWO), ("c", 3, ONE), ("d", 3, ONE))
    assert twice.doubled == [("c-1", "load-1-3")]


def test_a_missing_order_is_lost(entries: Entries) -> None:
    assert compared(entries, ("a", 1, ONE)).lost == [("c-1", "load-1-2")]


def test_a_second_row_is_a_doubled_order(entries: Entries) -> None:
    assert compared(entries, ("a", 1, ONE), ("x", 1, ONE), ("b", 2, TWO)).doubled == [("c-1", "load-1-1")]


@pytest.mark.parametrize("row", [("b", 2, ONE), ("x", 2, TWO)])
def test_another_total_or_id_is_a_different_order(entries: Entries, row: tuple[str, int, Decimal]) -> None:
    assert compared(entries, ("a", 1, ONE), row).different == [("c-1", "load-1-2")]


def test_a_refused_or_never_attempted_order_is_unexpected(entries: Entries) -> None:
    comparison = compared(entries, ("a", 1, ONE), ("b", 2, TWO), ("c", 4, ONE), ("d", 9, ONE))
    assert comparison.unexpected == [("c-1", "load-1-4"), ("c-1", "load-1-9")]


def test_orders_of_others_are_left_aside(entries: Entries) -> None:
    others = [Row("x", "c-1", "load-2-1", ONE), Row("y", "c-2", "my-key", ONE)]
    assert compare(entries, [*stored(("a", 1, ONE), ("b", 2, TWO)), *others]).ok


def test_a_second_answer_with_another_id_is_a_doubled_order(tmp_path: Path) -> None:
    book = Ledger(tmp_path / "ledger", "load-1")
    assert book.placed("c-1", "load-1-1", "a", "10.00", "EUR") is None
    assert book.placed("c-1", "load-1-1", "b", "10.00", "EUR") == "a"
    book.close()
    assert compare(read(tmp_path / "ledger"), stored(("a", 1, ONE))).doubled == [("c-1", "load-1-1")]


def test_half_a_line_of_a_killed_load_is_left_aside(tmp_path: Path) -> None:
    book = Ledger(tmp_path / "ledger", "load-1")
    book.attempt("c-1", "load-1-1")
    book.close()
    with (tmp_path / "ledger").open("a") as file:
        file.write('{"kind": "placed", "cust')
    assert read(tmp_path / "ledger").unknown == {("c-1", "load-1-1")}
