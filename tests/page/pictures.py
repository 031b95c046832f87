"""Acts scenes out by their buttons and keeps what the page shows at the verdict.

`python -m tests.page.pictures [NAME...]`, as `make pictures` does; without names, all that a local mesh can run. A
scene that fails leaves the picture that was there, and the status is 1.
"""

import io
import os
import subprocess
import sys

from PIL import Image
from playwright.sync_api import Page, expect, sync_playwright
from scenes.catalogue import SCENES

from tests.page.conftest import OPTIONS, PICTURES, ROOT, System

SIZE = {"width": 1440, "height": 1800}  # high enough for what a scene says
MARGIN = 12  # pixels around the cards
COLOURS = 64  # of a palette: a picture is a fifth as large, and looks the same
LIMIT = 240_000  # milliseconds for a scene


def main() -> int:
    """Status 1 if a scene did not show what it claims."""
    names = sys.argv[1:] or [scene.name for scene in SCENES if scene.needs in ("", "mesh")]
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
    verdict = page.locator(".verdict")
    expect(verdict).to_be_visible(timeout=LIMIT)
    sys.stderr.write(f"{name}: {verdict.inner_text()}\n")
    if "Passed" not in verdict.inner_text():
        return False
    cards = [page.locator(".card.scene"), page.locator("[aria-label='The system now']")]
    boxes = [box for card in cards if (box := card.bounding_box())]
    left, top = min(box["x"] for box in boxes) - MARGIN, min(box["y"] for box in boxes) - MARGIN
    right = max(box["x"] + box["width"] for box in boxes) + MARGIN
    bottom = max(box["y"] + box["height"] for box in boxes) + MARGIN
    shot = page.screenshot(clip={"x": left, "y": top, "width": right - left, "height": bottom - top})
    picture = Image.open(io.BytesIO(shot)).convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
    picture.save(PICTURES / "scenes" / f"{name}.png", optimize=True)
    return True


if __name__ == "__main__":
    sys.exit(main())
