"""docs/course has every chapter of the talk, every chapter its parts, and its commands do what it shows."""

import os
import re
from pathlib import Path

import pytest
from cli.course import COURSE, FIGURES, chapters, commands, parts
from scenes.catalogue import BY_NAME
from strangler.modules import SHAPES

from tests.support.walkthrough import walk

TALK = (
    "Monolith and microservices",
    "Breaking it up",
    "Kubernetes",
    "Complexity",
    "gRPC",
    "Netflix OSS",
    "Sidecars",
    "Envoy",
    "Istio",
    "Routing",
    "Resilience",
    "Chaos",
    "Observability",
    "Further reading",
)
PARTS = [
    "The claim",
    "What it means",
    "What has changed since",
    "The command, and what you see",
    "The scene that proves it",
    "A question to try",
]
INDEX = re.findall(
    r"^\| [^|]+ \| \[(\d+) ([^\]]+)\]\(([^)]+)\) \| `([^`]+)` \|$",
    (COURSE / "README.md").read_text(),
    re.MULTILINE,
)
PAGES = sorted(COURSE.glob("[0-9]*.md"))

pages = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)


def test_every_chapter_of_the_talk_has_a_page_in_the_talks_order() -> None:
    assert [title for _, title, *_ in INDEX] == list(TALK)
    assert [file for *_, file, _ in INDEX] == [page.name for page in PAGES]
    for number, title, file, scene in INDEX:
        assert (COURSE / file).read_text().startswith(f"# {number} {title}\n")
        assert scene in BY_NAME


@pages
def test_a_page_has_every_part(page: Path) -> None:
    found = parts(page.read_text())
    assert list(found) == PARTS
    assert all(found.values())


@pages
def test_a_page_has_a_command_with_what_it_prints(page: Path) -> None:
    assert any(
        command.expected for command in commands(parts(page.read_text())["The command, and what you see"])
    )


def test_every_chapter_can_be_presented() -> None:
    course = chapters()
    assert [chapter.number for chapter in course] == list(range(1, len(TALK) + 1))
    assert [chapter.title for chapter in course] == list(TALK)
    assert {chapter.shape for chapter in course} <= set(SHAPES)
    assert {chapter.figure for chapter in course} <= set(FIGURES)
    assert [(one.number, c.text) for one in course for c in one.commands if not c.note] == []


@pages
def test_every_scene_that_a_page_names_as_its_proof_exists(page: Path) -> None:
    text = parts(page.read_text())["The scene that proves it"]
    named = set(re.findall(r"`([a-z0-9-]+)`", text))
    assert named
    assert named <= BY_NAME.keys()


@pytest.mark.system
@pytest.mark.timeout(600)
def test_every_command_of_the_course_prints_what_its_page_shows() -> None:
    walk(
        *(f"course/{page.name}" for page in PAGES),
        last="figtree down 2>/dev/null",
        FIGTREE_NAME=f"course-{os.getpid()}",
        RUNTIME="local",
        MESH_NETWORK="auto",
    )
