"""What the checker says of histories that could have happened, and of those that could not."""

import json
from pathlib import Path
from typing import Any

import pytest
from loadtests.history import ABSENT, History, Judged

from tests.support.histories import check_history


class Story:
    """A history that a test writes, one call after the other unless it says otherwise."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.history = History(path)

    def place(self, key: str, **output: Any) -> None:
        begun = self.history.begin(1, "place", customer="c-1", key=key)
        if output:
            begun.end(**output)

    def read(self, order_id: str, status: str, client: int = 2) -> None:
        self.history.begin(client, "read", id=order_id).end(id=order_id, status=status)

    def event(self, order_id: str, status: str) -> None:
        self.history.begin(3, "event", id=order_id).end(id=order_id, status=status)

    def list(self, *orders: tuple[str, str], size: int = 5) -> None:
        self.history.begin(4, "list", customer="c-1", size=str(size)).end(orders=orders)

    def judged(self) -> Judged:
        self.history.close()
        return check_history(self.path)


@pytest.fixture
def story(tmp_path: Path) -> Story:
    return Story(tmp_path / "history.jsonl")


def test_an_order_that_is_placed_read_and_shipped_has_a_history(story: Story) -> None:
    story.place("k-1", id="a", status="placed")
    story.read("a", "placed")
    story.event("a", "placed")
    story.read("a", "accepted")
    story.event("a", "placed")  # a stream that begins anew repeats what was
    story.place("k-1", id="a", status="placed")
    story.list(("a", "shipped"))
    story.read("a", "shipped")
    assert story.judged() == Judged(orders=1, calls=8)


def test_a_read_that_misses_an_acknowledged_order_is_found(story: Story) -> None:
    story.place("k-1", id="a", status="placed")
    story.read("a", ABSENT)
    judged = story.judged()
    assert not judged.ok
    assert judged.violations[0][0] == "c-1 k-1"
    assert "read" in judged.violations[0][2]


def test_a_read_during_the_call_that_places_the_order_may_miss_it_or_not(story: Story) -> None:
    begun = story.history.begin(1, "place", customer="c-1", key="k-1")
    story.read("a", ABSENT)
    story.read("a", "placed")
    begun.end(id="a", status="placed")
    assert story.judged().ok


def test_a_read_that_misses_what_another_user_has_seen_is_found(story: Story) -> None:
    begun = story.history.begin(1, "place", customer="c-1", key="k-1")
    story.read("a", "placed")
    story.read("a", ABSENT)
    begun.end(id="a", status="placed")
    assert not story.judged().ok


def test_a_status_that_goes_back_is_found(story: Story) -> None:
    story.place("k-1", id="a", status="placed")
    story.read("a", "accepted", client=2)
    story.read("a", "placed", client=5)
    assert not story.judged().ok


def test_a_read_behind_a_watcher_is_found(story: Story) -> None:
    story.place("k-1", id="a", status="placed")
    story.event("a", "shipped")
    story.read("a", "accepted")
    assert not story.judged().ok


def test_a_list_that_leaves_an_order_out_is_found(story: Story) -> None:
    story.place("k-1", id="a", status="placed")
    story.place("k-2", id="b", status="placed")
    story.list(("a", "placed"))
    judged = story.judged()
    assert [violation[0] for violation in judged.violations] == ["c-1 k-2"]


def test_a_list_says_nothing_of_orders_older_than_its_page(story: Story) -> None:
    story.place("k-1", id="a", status="placed")
    story.place("k-2", id="b", status="placed")
    story.list(("b", "placed"), size=1)
    assert story.judged().ok


def test_a_key_with_two_orders_is_found(story: Story) -> None:
    story.place("k-1", id="a", status="placed")
    story.place("k-1", id="b", status="placed")
    assert not story.judged().ok


def test_a_call_without_an_answer_may_have_placed_the_order_or_not(story: Story) -> None:
    story.place("k-1")
    story.place("k-1", id="a", status="placed")
    story.place("k-2")
    assert story.judged() == Judged(orders=2, calls=3)


def test_a_file_that_ends_in_half_a_line_is_read(story: Story) -> None:
    story.place("k-1", id="a", status="placed")
    story.history.close()
    with story.path.open("a") as file:
        file.write(json.dumps({"number": "9", "begun": 1})[:-3])
    assert story.judged().ok


def test_a_history_without_orders_proves_nothing(story: Story) -> None:
    assert not story.judged().ok
