"""docs/walkthrough.md does what it says."""

import os

import pytest
from cli.course import shape

from tests.support.walkthrough import walk


def test_the_shape_of_an_output_is_strict_about_everything_but_ellipses() -> None:
    expected = shape(["…", "shape 1-… is reached", "end"])
    assert expected.match("a\nb\nshape 1-currency is reached\nend\n")
    assert expected.match("shape 1-x is reached\nend\n")
    assert not expected.match("shape 2-title is reached\nend\n")
    assert not expected.match("shape 1-x is reached\nend\nmore\n")


@pytest.mark.system
@pytest.mark.alone
@pytest.mark.timeout(900)
def test_every_command_of_the_walkthrough_prints_what_the_page_shows() -> None:
    name = f"walk-{os.getpid()}"
    walk(
        "walkthrough.md",
        last="figtree down 2>/dev/null",
        FIGTREE_NAME=name,
        RUNTIME="local",
        MESH_NETWORK="auto",
    )
