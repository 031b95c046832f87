"""Acts scenes out by their buttons and keeps what the page shows: the verdict, and the graph when most was to be seen.

`python -m tests.page.pictures [NAME...]`, as `make pictures` does; without names, all that a local mesh can run. A
scene that fails leaves the picture that was there, and the status is 1.
"""

import io
import os
import subprocess
import sys
import time

from PIL import Image
from playwright.sync_api import Page, sync_playwright
from scenes.catalogue import SCENES

from tests.page.conftest import OPTIONS, PICTURES, ROOT, System

SIZE = {"width": 1440, "height": 1800}  # high enough for what a scene says
GAP = 16  # pixels between the cards
COLOURS = 64  # of a palette: a picture is a fifth as large, and looks the same
LIMIT = 240.0  # seconds for a scene
LOOK = 700  # milliseconds between two looks at the graph
TELLING = ".flow, .second, .special, .version"  # what there is more of, the more happens


def main() -> int:
    """Status 1 if a scene did not show what it claims."""
    names = sys.argv[1:] or [scene.name for scene in SCENES if scene.is_local]
    system = System(f"pictures-{os.getpid()}")
    chromium = subprocess.check_output([ROOT / "tests/page/chromium"], text=True).strip()
    (PICTURES / "scenes").mkdir(exist_ok=True)
    system.figtree("up")
    try:
        system.reach("5-no-monolith")
        address = system.figtree("page").strip()
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium, args=OPTIONS)
            page = browser.new_context(viewport=SIZE, reduced_motion="reduce").new_page()  # type: ignore[arg-type]
            failed = [name for name in names if not _take(page, address, name)]
            browser.close()
    finally:
        system.figtree("down")
    sys.stderr.write(f"{len(names) - len(failed)} pictures; failed: {', '.join(failed) or 'none'}\n")
    return 1 if failed else 0


def _take(page: Page, address: str, name: str) -> bool:
    page.goto(f"{address}#/scenes/{name}")
    page.get_by_role("button", name="Run").click()
    graph, verdict = page.locator("[aria-label='The system now']"), page.locator(".verdict")
    busiest, most = graph.screenshot(), 0
    until = time.monotonic() + LIMIT
    while not verdict.is_visible() and time.monotonic() < until:
        if (seen := graph.locator(TELLING).count()) > most:
            busiest, most = graph.screenshot(), seen
        page.wait_for_timeout(LOOK)
    said = verdict.inner_text()
    sys.stderr.write(f"{name}: {said}\n")
    if "Passed" not in said:
        return False
    left, right = (
        Image.open(io.BytesIO(shot)).convert("RGB")
        for shot in (page.locator(".card.scene").screenshot(), busiest)
    )
    picture = Image.new("RGB", (left.width + right.width + GAP, max(left.height, right.height)), "white")
    picture.paste(left, (0, 0))
    picture.paste(right, (left.width + GAP, 0))
    small = picture.quantize(COLOURS, dither=Image.Dither.NONE)
    small.save(PICTURES / "scenes" / f"{name}.png", optimize=True)
    return True


if __name__ == "__main__":
    sys.exit(main())
