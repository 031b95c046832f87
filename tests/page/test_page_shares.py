"""A canary in the graph: its declared share and what it really gets, as they move."""

import os
import re
import subprocess
import sys

import pytest
from PIL import GifImagePlugin, Image
from playwright.sync_api import expect

from tests.page.canary import SHARES
from tests.page.conftest import FIGTREE, PICTURES, ROOT, Open, System
from tests.page.film import Film

FRAMES = 6  # for each share
README_WIDTH = (830, 900)  # pixels that GitHub gives a picture in a README
CANARY = re.compile(r"v2 · (\d+) %(?: of (\d+) %)?")


@pytest.mark.pictures
@pytest.mark.system
@pytest.mark.alone
def test_the_share_of_a_canary_is_seen_as_it_moves(system: System, open_page: Open) -> None:
    system.reach("5-no-monolith")
    page = open_page("system/pricing", size=README_WIDTH)
    page.get_by_role("spinbutton").fill("60")
    page.get_by_role("button", name="Bring users").click()
    expect(page.locator(".edge.good").first).to_be_visible(timeout=30_000)
    film = Film(page.locator(".card.wide"))
    node = page.locator(".node", has=page.locator(".name", has_text="pricing"))
    seen: dict[int, list[int]] = {}  # what v2 got, by what was declared
    command = [FIGTREE, "exec", "--", sys.executable, "-m", "tests.page.canary", system.name]
    with subprocess.Popen(
        command, cwd=ROOT, env=system.env, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for share in SHARES:
            assert process.stdout.readline() == f"{share}\n"
            for _ in range(FRAMES):
                film.take()
                if found := CANARY.search(node.text_content() or ""):
                    seen.setdefault(int(found[2] or 0), []).append(int(found[1]))
            process.stdin.write("next\n")
            process.stdin.flush()
        expect(page.locator("tr[data-edge='users>ingress'] td").nth(3)).to_have_text("0 %")
        process.wait(60)
    page.get_by_role("button", name="Send the users away").click()
    assert process.returncode == 0
    assert list(seen) == list(SHARES)
    assert (seen[0][-1], seen[100][-1]) == (0, 100)
    assert 0 < max(seen[10]) < 50
    assert 20 < seen[50][-1] < 80
    if os.environ.get("FIGTREE_PICTURES"):
        film.save(PICTURES / "canary.gif")


def test_the_animated_picture_of_the_readme_is_small_moves_and_repeats() -> None:
    path = PICTURES / "canary.gif"
    assert "docs/pictures/canary.gif" in (ROOT / "README.md").read_text()
    assert path.stat().st_size < 2_000_000
    with Image.open(path) as picture:
        assert isinstance(picture, GifImagePlugin.GifImageFile)
        shown, lasting = set(), 0.0
        for number in range(picture.n_frames):
            picture.seek(number)
            shown.add(picture.convert("RGB").tobytes())
            lasting += picture.info["duration"] / 1000
    assert len(shown) >= 20
    assert 700 <= picture.width <= 830
    assert picture.info["loop"] == 0
    assert 8 <= lasting <= 15
