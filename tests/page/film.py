"""What a page shows for a while, as an animated picture."""

import io
from pathlib import Path

from PIL import Image
from playwright.sync_api import Locator

EACH, LAST = 400, 2400  # milliseconds for which a frame stays; the page has new figures once a second
PAUSE = 250  # milliseconds between two looks


class Film:
    """Frames of a part of a page."""

    def __init__(self, part: Locator) -> None:
        self._part = part
        self._frames: list[Image.Image] = []

    def take(self) -> None:
        """One frame, as soon as it differs from the one before."""
        while True:
            frame = Image.open(io.BytesIO(self._part.screenshot(animations="disabled"))).convert("RGB")
            if not self._frames or frame.tobytes() != self._frames[-1].tobytes():
                self._frames.append(frame)
                return
            self._part.page.wait_for_timeout(PAUSE)

    def save(self, path: Path) -> None:
        """Writes a GIF that plays again and again."""
        # One palette for all frames: a pixel that does not change then has the same colour, and costs nothing.
        width, height = self._frames[0].size
        sheet = Image.new("RGB", (width, height * 3))
        for row, frame in enumerate(
            (self._frames[0], self._frames[len(self._frames) // 2], self._frames[-1])
        ):
            sheet.paste(frame, (0, row * height))
        palette = sheet.quantize()
        first, *others = (frame.quantize(palette=palette, dither=Image.Dither.NONE) for frame in self._frames)
        lasting = [EACH] * len(others) + [LAST]
        first.save(path, save_all=True, append_images=others, duration=lasting, loop=0, optimize=False)
