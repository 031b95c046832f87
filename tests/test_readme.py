"""The README names what there is."""

import re
import subprocess
from pathlib import Path

from scenes.catalogue import SCENES
from scenes.markdown import PICTURES, page

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text()


def test_the_page_of_scenes_is_what_its_command_writes() -> None:
    written = (ROOT / "docs" / "scenes.md").read_text()
    assert written == page(), "write it again: figtree scene list --markdown > docs/scenes.md"
    rows = [f"| `{scene.name}` | {scene.hypothesis} |" for scene in SCENES]
    assert [row for row in rows if row not in written] == []
    assert len(re.findall(r"^\| `[a-z0-9-]+` \| ", written, re.MULTILINE)) == len(rows)


def test_each_scene_that_a_local_mesh_acts_out_has_its_picture_and_no_other_picture_is_left() -> None:
    local = {scene.name for scene in SCENES if scene.is_local}
    pictures = {path.stem for path in PICTURES.glob("*.png")}
    assert pictures == local, "make pictures"


def test_the_readme_fits_three_screens() -> None:
    assert len(README.splitlines()) <= 80


def test_what_kiali_shows_is_documented_for_every_scene() -> None:
    page = (ROOT / "docs" / "walkthrough-kiali.md").read_text()
    documented = re.findall(r"`([a-z0-9-]+)`", "".join(re.findall(r"^\| `[^|]*\|", page, re.MULTILINE)))
    assert sorted(documented) == sorted(scene.name for scene in SCENES)


def test_every_file_that_the_readme_links_is_there() -> None:
    links = re.findall(r"\]\(([^)#:]+)\)", README)
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_every_make_target_that_the_readme_names_exists() -> None:
    listed = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    known = set(re.findall(r"make ([a-z-]+)", listed))
    assert set(re.findall(r"(?:^|`)make ([a-z-]+)", README, re.MULTILINE)) <= known
